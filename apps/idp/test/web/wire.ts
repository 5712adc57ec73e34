// Owns speaking HTTP to a process as it is on the wire: any target, any method, any header, as often as wanted. Asserts nothing.

import { createHash, randomBytes } from 'node:crypto'
import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { connect } from 'node:net'
import type { Node, TestClient, TestIssuer } from '../support/idp.ts'
import { formOf, type ShownForm, type Visitor } from '../support/person.ts'

/** An answer as it came. */
export interface Answered {
  readonly status: number
  /** By lower-case name; several values joined by a comma. */
  readonly headers: ReadonlyMap<string, string>
  readonly cookies: readonly string[]
  readonly body: string
}

/** A request that is not what a browser would send. */
export interface Asked {
  readonly method?: string
  /** As it stands on the wire, not made better. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer | undefined
  /** Certificate of the authority that is believed, for https. */
  readonly ca?: string
  /** A certificate of the client with its key, PEM. */
  readonly cert?: string
  readonly key?: string
}

/** Sends one request on a connection of its own. */
export const ask = (origin: string, asked: Asked): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const { hostname, port, protocol } = new URL(origin)
    const options = {
      host: hostname,
      port,
      method: asked.method ?? 'GET',
      path: asked.path,
      agent: false as const,
      headers: { ...asked.headers },
      ...(asked.ca === undefined ? {} : { ca: asked.ca }),
      ...(asked.cert === undefined ? {} : { cert: asked.cert, key: asked.key }),
    }
    const sent = (protocol === 'https:' ? tlsRequest : plainRequest)(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: new Map(Object.entries(response.headers).map(([name, value]) => [name, [value].flat().join(', ')])),
          cookies: response.headers['set-cookie'] ?? [],
          body: Buffer.concat(chunks).toString(),
        }),
      )
    })
    sent.on('error', reject)
    sent.end(asked.body)
  })

/** Sends bytes and answers everything that came back until the server closed, or after `milliseconds`. */
export const askRaw = (origin: string, text: string, milliseconds = 5000): Promise<string> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(origin)
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname, () => socket.write(text))
    const end = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(Buffer.concat(chunks).toString())
    }
    const timer = setTimeout(end, milliseconds)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('close', end)
    socket.on('error', end)
  })

/** Where tests' apps are sent answers; nothing listens there. */
export const REDIRECT_URI = 'http://127.0.0.1:9/callback'

/** A request for a code with a fresh verifier. */
export interface CodeRequest {
  readonly url: string
  readonly verifier: string
}

/** The address of an authorization request. */
export const codeRequest = (
  issuer: string,
  clientId: string,
  over: Readonly<Record<string, string>> = {},
): CodeRequest => {
  const verifier = randomBytes(32).toString('base64url')
  const parameters = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    scope: 'openid',
    state: randomBytes(8).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...over,
  })
  return { url: `${issuer}/authorize?${parameters}`, verifier }
}

/** The Authorization header of a client with a secret of unreserved characters. */
export const basic = ({ clientId, clientSecret }: TestClient): string =>
  `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`

/** The body of a code's redemption. */
export const redemption = (code: string, verifier: string): string =>
  new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: REDIRECT_URI,
    code_verifier: verifier,
  }).toString()

/** Redeems a code. */
export const redeem = (
  origin: string,
  { client, code, verifier }: { readonly client: TestClient; readonly code: string; readonly verifier: string },
): Promise<Answered> =>
  ask(origin, {
    method: 'POST',
    path: '/token',
    headers: { authorization: basic(client), 'content-type': FORM },
    body: redemption(code, verifier),
  })

/** The media type of forms. */
export const FORM = 'application/x-www-form-urlencoded'

/** Fields as a form's body. */
export const formBody = (fields: Iterable<readonly [string, string]>): string =>
  new URLSearchParams([...fields].map(([name, value]): [string, string] => [name, value])).toString()

/** A page with its form, as a visitor sees it. */
export interface FormPage extends ShownForm {
  readonly url: string
  readonly body: string
}

/** Opens an address and reads the form on the page that it ends at. */
export const openForm = async (visitor: Visitor, url: string): Promise<FormPage> => {
  const arrival = await visitor.open(url)
  const { action, fields } = formOf(arrival.body)
  return { url: arrival.url, body: arrival.body, action: new URL(action, arrival.url).href, fields }
}

/** The cookies of a visitor as a header. */
export const cookieHeader = (visitor: Visitor): string =>
  [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')

// `audit_events` grows with what is refused, as it should.
const UNTOUCHED_BY_REFUSALS = [
  'users',
  'setup_links',
  'clients',
  'subjects',
  'sessions',
  'consents',
  'grants',
  'access_tokens',
  'interactions',
  'attempts',
]

/** All rows of every table that a refused request must leave as it is, as one text. */
export const stateOf = async ({ database }: TestIssuer): Promise<string> => {
  const tables = await Promise.all(
    UNTOUCHED_BY_REFUSALS.map(async (table) => {
      const rows = await database.sql<{ row: string }[]>`select t::text as row from ${database.sql(table)} t order by 1`
      return `${table}\n${rows.map(({ row }) => row).join('\n')}`
    }),
  )
  return tables.join('\n\n')
}

/** The link of the first administrator, which is printed soon after the server answers. */
export const setUpLinkOf = async ({ output }: Pick<Node, 'output'>): Promise<string> => {
  for (let tries = 0; tries < 100; tries++) {
    const [link] = /\S+\/set-up\/\S+(?=\s)/.exec(output()) ?? []
    if (link !== undefined) return link
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`no link was printed: ${output()}`)
}
