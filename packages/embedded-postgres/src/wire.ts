// Owns: one statement over a fresh connection to Postgres (PostgreSQL protocol 3.0, simple query), for creating databases.
// Never: serves the product's queries (that is the driver's work), speaks TLS, or takes parameters: callers quote.
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { EmbeddedPostgresError } from './errors.ts'

/** Where and as whom to connect: `path` for a unix socket, else `host` and `port`. */
export type WireTarget = {
  readonly path?: string
  readonly host?: string
  readonly port?: number
  readonly user: string
  readonly password?: string
  readonly database: string
}

type Rows = readonly (readonly (string | null)[])[]
type Message = { readonly type: string; readonly body: Buffer }
type Salted = { readonly send: Buffer; readonly serverSignature: Buffer }

const DEADLINE_MS = 30_000

const frame = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(type === '' ? 4 : 5)
  if (type !== '') head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, type === '' ? 0 : 1)
  return Buffer.concat([head, body])
}

const startup = (target: WireTarget): Buffer => {
  const version = Buffer.from([0, 3, 0, 0])
  const pairs = ['user', target.user, 'database', target.database, 'application_name', 'vouchsafe-launcher', '', '']
  return frame('', Buffer.concat([version, Buffer.from(pairs.slice(0, -1).join('\0')), Buffer.from([0])]))
}

const text = (value: string): Buffer => Buffer.from(`${value}\0`)

const errorFields = (body: Buffer): string => {
  const fields = body.toString('utf8').split('\0')
  const field = (letter: string): string => fields.find((entry) => entry.startsWith(letter))?.slice(1) ?? ''
  return `${field('M')} (${field('C')})`
}

const rowOf = (body: Buffer): readonly (string | null)[] => {
  const row: (string | null)[] = []
  let at = 2
  for (let column = body.readInt16BE(0); column > 0; column -= 1) {
    const length = body.readInt32BE(at)
    at += 4
    row.push(length < 0 ? null : body.toString('utf8', at, at + length))
    at += Math.max(length, 0)
  }
  return row
}

async function* messagesOf(socket: Socket): AsyncGenerator<Message> {
  let pending: Buffer = Buffer.alloc(0)
  for await (const chunk of socket) {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 5 && pending.length >= pending.readInt32BE(1) + 1) {
      const end = pending.readInt32BE(1) + 1
      yield { type: pending.toString('latin1', 0, 1), body: pending.subarray(5, end) }
      pending = pending.subarray(end)
    }
  }
}

// RFC 5802 §3 with SHA-256 (RFC 7677), no channel binding.
const saltedProof = (password: string, nonce: string, challenge: string): Salted => {
  const part = (letter: string): string =>
    challenge
      .split(',')
      .find((entry) => entry.startsWith(`${letter}=`))
      ?.slice(2) ?? ''
  if (!part('r').startsWith(nonce))
    throw new EmbeddedPostgresError('query_failed', 'The server answered another nonce.')
  const salted = pbkdf2Sync(password, Buffer.from(part('s'), 'base64'), Number(part('i')), 32, 'sha256')
  const hmac = (key: Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest()
  const clientKey = hmac(salted, 'Client Key')
  const bare = `c=biws,r=${part('r')}`
  const transcript = `n=,r=${nonce},${challenge},${bare}`
  const signature = hmac(createHash('sha256').update(clientKey).digest(), transcript)
  const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))
  const send = Buffer.from(`${bare},p=${Buffer.from(proof).toString('base64')}`)
  return { send, serverSignature: hmac(hmac(salted, 'Server Key'), transcript) }
}

const authenticator = (target: WireTarget): ((body: Buffer) => Buffer | undefined) => {
  const nonce = randomBytes(18).toString('base64')
  let expected: Buffer | undefined
  return (body) => {
    const kind = body.readInt32BE(0)
    if (kind === 0) return undefined
    if (kind === 3) return frame('p', text(target.password ?? ''))
    if (kind === 10) {
      const first = Buffer.from(`n,,n=,r=${nonce}`)
      const length = Buffer.alloc(4)
      length.writeInt32BE(first.length)
      return frame('p', Buffer.concat([text('SCRAM-SHA-256'), length, first]))
    }
    if (kind === 11) {
      const salted = saltedProof(target.password ?? '', nonce, body.toString('utf8', 4))
      expected = salted.serverSignature
      return frame('p', salted.send)
    }
    if (kind === 12) {
      const given = Buffer.from(body.toString('utf8', 4).replace(/^v=/, ''), 'base64')
      if (expected?.length === given.length && timingSafeEqual(expected, given)) return undefined
      throw new EmbeddedPostgresError('query_failed', 'The server did not prove that it knows the password.')
    }
    throw new EmbeddedPostgresError(
      'query_failed',
      `Postgres asks for an authentication (${kind}) that is not spoken here.`,
    )
  }
}

const converse = async (socket: Socket, target: WireTarget, statement: string): Promise<Rows> => {
  const authenticate = authenticator(target)
  const rows: (readonly (string | null)[])[] = []
  let asked = false
  let failure: string | undefined
  socket.write(startup(target))
  for await (const { type, body } of messagesOf(socket)) {
    if (type === 'R') {
      const answer = authenticate(body)
      if (answer !== undefined) socket.write(answer)
    } else if (type === 'E') {
      failure = errorFields(body)
      if (!asked) break
    } else if (type === 'D') rows.push(rowOf(body))
    else if (type === 'Z') {
      if (asked) {
        socket.end(frame('X', Buffer.alloc(0)))
        if (failure !== undefined) break
        return rows
      }
      asked = true
      socket.write(frame('Q', text(statement)))
    }
  }
  throw new EmbeddedPostgresError('query_failed', failure ?? 'Postgres closed the connection before it answered.')
}

/** Runs one statement on a connection of its own and gives its rows as text; throws `query_failed`, also after 30 s. */
export const queryOnce = async (target: WireTarget, statement: string): Promise<Rows> => {
  const socket =
    target.path === undefined
      ? connect({ host: target.host ?? 'localhost', port: target.port ?? 5432 })
      : connect(target.path)
  const timer = setTimeout(() => socket.destroy(new Error(`no answer within ${DEADLINE_MS} ms`)), DEADLINE_MS)
  // The reading loop throws what fails while it runs; an error after it must not end the process.
  socket.on('error', () => undefined)
  try {
    return await converse(socket, target, statement)
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error
    throw new EmbeddedPostgresError('query_failed', `The database could not be reached: ${String(error)}`, error)
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

/** Quotes a name for use in a statement (PostgreSQL manual §4.1.1); throws on what no name can hold. */
export const quoteName = (name: string): string => {
  if (name === '' || name.includes('\0') || Buffer.byteLength(name) > 63) {
    throw new EmbeddedPostgresError(
      'query_failed',
      `Not a usable database name: ${JSON.stringify(name)} (1 to 63 bytes).`,
    )
  }
  return `"${name.replaceAll('"', '""')}"`
}

/** Quotes a text for use in a statement; standard_conforming_strings is on in every server this package meets. */
export const quoteText = (value: string): string => `'${value.replaceAll("'", "''")}'`
