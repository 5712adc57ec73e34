// Owns a thousand senders that drip. Takes half a minute, since the limits of a socket are tens of seconds.

import { connect, type Socket } from 'node:net'
import t from 'tap'
import { createIssuer } from '../support/idp.ts'
import { ask, FORM } from '../web/wire.ts'

const SENDERS = 1000

t.test(
  '[OPS-047] a thousand connections that drip headers or bodies are closed in time, and others are served meanwhile',
  async (t) => {
    const issuer = await createIssuer()
    t.teardown(() => issuer.close())
    const node = await issuer.start()
    const { hostname, port, host } = new URL(node.origin)
    let open = 0
    const drip = (at: number): Socket => {
      const socket = connect(Number(port), hostname)
      const head = `POST /token HTTP/1.1\r\nHost: ${host}\r\n`
      const body = `Content-Type: ${FORM}\r\nContent-Length: 60000\r\n\r\na=`
      socket.on('connect', () => {
        open++
        socket.write(at % 2 === 0 ? head : head + body)
      })
      socket.on('error', () => undefined)
      socket.on('close', () => open--)
      socket.resume()
      return socket
    }
    const sockets = Array.from({ length: SENDERS }, (_, at) => drip(at))
    const timer = setInterval(() => {
      for (const [at, socket] of sockets.entries())
        if (!socket.destroyed) socket.write(at % 2 === 0 ? 'X-A: b\r\n' : 'b')
    }, 1000)
    t.teardown(() => {
      clearInterval(timer)
      for (const socket of sockets) socket.destroy()
    })
    await new Promise((resolve) => setTimeout(resolve, 2000))
    t.ok(open > SENDERS * 0.9, `${open} are open`)
    const times: number[] = []
    for (let at = 0; at < 20; at++) {
      const began = performance.now()
      t.equal((await ask(node.origin, { path: '/.well-known/openid-configuration' })).status, 200)
      times.push(performance.now() - began)
    }
    const median = times.toSorted((a, b) => a - b)[10] ?? 0
    t.ok(median < 250, `the others wait ${median} ms`)
    const deadline = performance.now() + 25_000
    while (open > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 500))
    t.equal(open, 0, 'all of them lost their connections')
    t.equal((await ask(node.origin, { path: '/readyz' })).status, 200)
  },
)
