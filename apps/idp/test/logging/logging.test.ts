// Owns the proof of the log: one event stays one line, and nothing spendable gets in, whoever logs it and however.

import { randomBytes } from 'node:crypto'
import { secret } from '@vouchsafe/core'
import { pino } from 'pino'
import t from 'tap'
import { cleanUrl, loggerOptions } from '#src/logging/index.js'

type Line = Readonly<Record<string, unknown>>

const capture = (level: 'info' | 'debug' = 'info') => {
  const written: string[] = []
  const log = pino(loggerOptions({ logLevel: level }), { write: (text: string) => void written.push(text) })
  const lines = (): readonly Line[] => written.map((text): Line => JSON.parse(text))
  return { log, written, lines }
}

// A token may begin and end with a dash, where a pattern may see no boundary of a word.
const CANARY = `-${randomBytes(32).toString('base64url').slice(0, 41)}-`
const JWT = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"x"}').toString('base64url')}.${CANARY}`

t.test('[unit] a line is one JSON object with a level, a time and a message', async (t) => {
  const { log, lines, written } = capture()
  log.info({ route: '/token', status: 200, ms: 3 }, 'request')
  log.debug('not at this level')
  t.equal(written.length, 1)
  t.match(lines()[0], { level: 'info', time: /^\d{4}-.*Z$/, route: '/token', status: 200, ms: 3, msg: 'request' })
  t.notOk('pid' in (lines()[0] ?? {}))
})

t.test('[WEB-079] line breaks, terminal sequences and JSON breakers forge neither a line nor a field', async (t) => {
  const { log, written, lines } = capture()
  const forged =
    'x\n{"level":"fatal","msg":"forged"}\r\u2028\u2029\u0085\u001b[2J\u009b31m\u007f","admin":true,"a":"\u202etxt'
  log.info(forged)
  log.info({ name: forged, [forged]: 1, nested: { list: [forged] } }, 'event')
  log.child({ name: forged }).warn('child')
  log.error(new Error(forged), 'failed')
  t.equal(written.length, 4)
  for (const text of written) {
    t.equal(text.trimEnd().split(/[\n\r\u2028\u2029\u0085]/).length, 1, 'one line')
    t.notMatch(text, /\p{Cc}(?!$)|[\u202e\u2028\u2029]/u, 'nothing that a terminal or a viewer acts on')
  }
  t.ok(lines().every((line) => !('admin' in line)))
  t.same(
    lines().map(({ level }) => level),
    ['info', 'info', 'warn', 'error'],
  )
})

t.test('[WEB-080] of an address its path and the names of its parameters are logged, and no value', async (t) => {
  const url = `/authorize?client_id=app&state=${CANARY}&code=${CANARY}&id_token_hint=${JWT}&login_hint=ada%40x.example&user_code=WDJB-MJHT&=x&a`
  t.same(cleanUrl(url), {
    path: '/authorize',
    parameters: ['client_id', 'state', 'code', 'id_token_hint', 'login_hint', 'user_code', 'a'],
  })
  const { log, written } = capture('debug')
  log.info(
    { req: { method: 'GET', url, headers: { cookie: `session=${CANARY}`, authorization: `Bearer ${CANARY}` } } },
    'in',
  )
  log.info({ url }, 'url')
  log.info(`GET ${url}`)
  log.info('went to %s', `https://app.example/cb?code=abc123&state=xyz789`)
  log.info({ location: 'https://app.example/cb?code=abc123&state=xyz789#id_token=q1w2e3' }, 'redirect')
  const all = written.join('')
  for (const value of [CANARY, 'ada%40x', 'WDJB', 'abc123', 'xyz789', 'q1w2e3']) t.notOk(all.includes(value), value)
  t.ok(all.includes('client_id') && all.includes('/authorize'))
})

t.test('[WEB-082, R9700-37, WEB-078] no level writes a credential, under whatever name and however deep', async (t) => {
  const { log, written } = capture('debug')
  const password = 'hunter2hunter2'
  const hidden = secret(CANARY)
  const error = Object.assign(new Error(`connect to postgres://app:${password}@db:5432/x failed`), {
    code: 'ECONNREFUSED',
    parameters: [password],
    query: `select '${password}'`,
    cause: new Error(`Authorization: Basic ${Buffer.from(`a:${password}`).toString('base64')}`),
  })
  for (const level of ['debug', 'info', 'warn', 'error', 'fatal'] as const) {
    log[level](
      {
        password,
        client_secret: password,
        clientSecret: password,
        'Set-Cookie': password,
        code: password,
        id_token: JWT,
      },
      'fields',
    )
    log[level](
      { form: { a: [{ newPassword: password }] }, headers: { x: password }, body: `password=${password}` },
      'nested',
    )
    log[level]({ map: new Map([['refresh_token', password]]), hidden, wrapped: { hidden } }, `in a template: ${hidden}`)
    log[level](error)
    log[level]({ err: error }, 'a request failed')
    log[level](`token ${CANARY} and ${JWT} and Bearer ${CANARY.slice(0, 20)} and vcs_${CANARY}`)
    log[level]('formatted %s %j', JWT, { password })
    log.child({ token: password, access_token: JWT })[level]('child')
  }
  const all = written.join('')
  t.equal(written.length, 40)
  for (const value of [
    password,
    CANARY,
    CANARY.slice(0, 20),
    JWT.slice(0, 30),
    Buffer.from(`a:${password}`).toString('base64'),
  ]) {
    t.notOk(all.includes(value), value.slice(0, 12))
  }
  t.ok(all.includes('ECONNREFUSED'), 'what an operator needs stays')
})

t.test('[unit] what is endless, circular or binary is logged in bounds and in linear time', async (t) => {
  const { log, written } = capture()
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  log.info(circle, 'circular')
  log.info({ bytes: new Uint8Array(1000), big: 10n, symbol: Symbol('x'), run: () => 1, nothing: undefined }, 'odd')
  log.info({ list: Array.from({ length: 100_000 }, (_, n) => n) }, 'long')
  const before = process.cpuUsage()
  for (const text of ['a=', '&a=b', 'https://', 'eyJ', 'Bearer ', '-', '(a=('].map((part) => part.repeat(200_000)))
    log.info({ text }, text)
  t.ok(process.cpuUsage(before).user < 500_000)
  t.ok(written.every((text) => text.length < 20_000))
})
