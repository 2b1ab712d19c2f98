// hot-shots: plain, buffered with telemetry and origin, and aggregating clients.
'use strict'

const StatsD = require('hot-shots')

Math.random = () => 0 // what is sampled is sent each time, so that each run compares the same series

const port = Number(process.argv[2])
const deadline = Date.now() + Number(process.argv[3]) * 1000
const common = { host: '127.0.0.1', port, errorHandler: error => { throw error } }
const plain = new StatsD({ ...common, prefix: 'hotshots.', globalTags: { lib: 'hot-shots' } })
const buffered = new StatsD({
  ...common, prefix: 'hotshots.buffered.', maxBufferSize: 1400, bufferFlushInterval: 100, datadog: true,
  containerID: '0123456789abcdef', cardinality: 'low', includeDatadogTelemetry: true, telemetryFlushInterval: 500
})
const aggregating = new StatsD({ ...common, prefix: 'hotshots.aggregated.', maxBufferSize: 8000, aggregation: true })
const totals = {}

function count (name, value) {
  totals[name] = (totals[name] || 0) + value
}

function features () {
  for (const client of [plain, buffered]) {
    client.increment('one')
    client.decrement('down', 3, { team: 'a', odd: 'x|y,z' })
    client.increment(['list.a', 'list.b'], 2)
    client.gauge('gauge', 42.5, ['b:2', 'a:1', 'a:1', 'été:☃'])
    client.gauge('gauge.negative', -3)
    client.gaugeDelta('gauge.delta', 5)
    client.set('set', 'a:b')
    client.unique('set', 'user-1')
    client.timing('timing', 12.25)
    client.timing('timing', new Date(Date.now() - 5))
    client.histogram('histogram', 7, 0.5)
    client.distribution('distribution', 3.75, 0.25, ['x'])
    client.increment('sampled', 1, 0.3)
    client.timer(() => 1, 'timer')()
    client.asyncTimer(async () => 1, 'timer.async')()
    client.gauge('stamped.gauge', 9, { timestamp: new Date(Date.now() - 3600e3), cardinality: 'high' })
    client.increment('stamped.count', 8, { timestamp: Math.floor(Date.now() / 1000) - 7200 })
    client.check('check', client.CHECKS.WARNING, { date_happened: new Date(17e11), hostname: 'h', message: 'm: x' }, ['t:1'])
    client.event('title', 'first line\nsecond | line', {
      alert_type: 'error', priority: 'low', aggregation_key: 'k', source_type_name: 's', hostname: 'h',
      date_happened: new Date(17e11)
    }, { t: 1 })
    const child = client.childClient({ prefix: 'child.', globalTags: { child: 'yes' } })
    child.increment('count', 4)
  }
}

function load (round) {
  for (let i = 1; i <= 5; i++) {
    plain.increment('load', i + round % 7, [`n:${i}`])
    count('hotshots.load', i + round % 7)
    buffered.increment('load', 2 * i)
    count('hotshots.buffered.load', 2 * i)
    aggregating.increment('load', i)
    count('hotshots.aggregated.load', i)
    buffered.timing('load.ms', i * 1.5)
    plain.distribution('load.d', i * round)
    aggregating.gauge('load.g', round)
  }
}

function step (round) {
  load(round)
  if (Date.now() < deadline) return setTimeout(step, 10, round + 1)
  for (const client of [plain, buffered, aggregating]) client.close(() => {})
  console.log(JSON.stringify(totals))
}

features()
step(1)
