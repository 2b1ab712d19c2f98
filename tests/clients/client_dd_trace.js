// dd-trace: tracer.dogstatsd, which aggregates on its own and reports telemetry.
'use strict'

process.env.DD_TRACE_ENABLED = 'true'
process.env.DD_TRACE_STARTUP_LOGS = 'false'
process.env.DD_INSTRUMENTATION_TELEMETRY_ENABLED = 'false'
process.env.DD_REMOTE_CONFIGURATION_ENABLED = 'false'
process.env.DD_CRASHTRACKING_ENABLED = 'false'

const tracer = require('dd-trace').init({
  service: 'client', env: 'test', version: '1.0', plugins: false, startupLogs: false, runtimeMetrics: false,
  hostname: '127.0.0.1', port: 1, dogstatsd: { hostname: '127.0.0.1', port: Number(process.argv[2]) }
})
const deadline = Date.now() + Number(process.argv[3]) * 1000
const totals = { 'ddtrace.load': 0 }
const metrics = tracer.dogstatsd

metrics.increment('ddtrace.one')
metrics.increment('ddtrace.count', 10, { team: 'a', odd: 'x y' })
metrics.decrement('ddtrace.count', 4, ['team:a', 'odd:x y'])
metrics.gauge('ddtrace.gauge', -2.5, { 'été': '☃' })
metrics.histogram('ddtrace.histogram', 5)
metrics.histogram('ddtrace.histogram', 15)
metrics.distribution('ddtrace.distribution', 3.25, { a: 1, b: 2 })

function step (round) {
  for (let i = 1; i <= 5; i++) {
    metrics.increment('ddtrace.load', i + round % 5, { n: i })
    totals['ddtrace.load'] += i + round % 5
    metrics.distribution('ddtrace.load.d', i * round)
    metrics.histogram('ddtrace.load.h', i)
  }
  if (round % 50 === 0) metrics.flush()
  if (Date.now() < deadline) return setTimeout(step, 10, round + 1)
  metrics.flush()
  console.log(JSON.stringify(totals))
  setTimeout(() => process.exit(0), 300)
}

step(1)
