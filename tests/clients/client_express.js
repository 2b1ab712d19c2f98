// An application of express that dd-trace traces: routes, errors, an outgoing call. It prints its
// port, and at the end what dd-trace logged as a warning or an error.
'use strict'

const complaints = []
const log = level => message => complaints.push(`${level}: ${message && message.message ? message.message : message}`)

// dd-trace sends a body again that was not answered within two seconds, for which the proxy may be too busy.
const http = require('http')
const setTimeoutOf = http.ClientRequest.prototype.setTimeout
http.ClientRequest.prototype.setTimeout = function (ms, ...rest) { return setTimeoutOf.call(this, 30 * ms, ...rest) }

require('dd-trace').init({
  startupLogs: false,
  flushInterval: 200,
  logger: { debug () {}, info () {}, warn: log('warn'), error: log('error') },
  logLevel: 'warn'
})

const express = require('express')
const app = express()

app.get('/', (request, response) => response.send('home'))
app.get('/item/:id', (request, response) => setTimeout(() => response.json({ id: request.params.id }), request.params.id % 20))
app.get('/fail', () => { throw new Error('of the application') })
app.post('/order', (request, response) => response.status(201).end())
app.get('/call', (request, response) => {
  http.get({ host: '127.0.0.1', port: server.address().port, path: '/item/3' }, inner => {
    inner.resume()
    inner.on('end', () => response.send('called'))
  })
})
app.use((error, request, response, next) => response.status(500).send(error.message)) // eslint-disable-line no-unused-vars

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
server.keepAliveTimeout = 0 // on a machine that is busy a connection may be idle for seconds, and is used again

// Standard input ends when all that it traced has been seen; then it is told what was wrong.
process.stdin.resume()
process.stdin.on('end', () => server.close(() => {
  console.log(JSON.stringify(complaints))
  process.exit(0)
}))
