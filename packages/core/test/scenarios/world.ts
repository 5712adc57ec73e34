// Owns the surroundings of the scenarios: a provider over a store, a clock that is moved by hand, clients and browsers. Speaks to the
// provider by its neutral requests and replies, as a door does. Asserts nothing.

import { createHash } from 'node:crypto'
import {
  type AuditEntry,
  type AuthenticationFacts,
  base64url,
  type ClientRecord,
  clientId,
  createProvider,
  digest,
  type Instant,
  instant,
  type JsonObject,
  type Ports,
  type PresentedInteraction,
  type Provider,
  type ProviderConfig,
  type Reply,
  type SessionId,
  type Stores,
  subject,
  type WireRequest,
} from '@vouchsafe/core'
import { createMemoryStores } from '@vouchsafe/core/memory'
import { createNodeSigner, cryptoRandom, generateSigningKey, nodeHasher } from '@vouchsafe/core/ports-node'

/** SHA-256, base64url. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** A PKCE pair of full entropy. */
export const pkcePair = (): { readonly verifier: string; readonly challenge: string } => {
  const verifier = base64url(cryptoRandom.bytes(32))
  return { verifier, challenge: sha256(verifier) }
}

/** A clock that stands still until it is moved. */
export interface HandClock {
  now(): Instant
  advance(seconds: number): void
}

/** The client that scenarios use unless they say otherwise: confidential, PKCE required, client_secret_basic. */
export const CLIENT_SECRET = 'scenario-secret-0123456789abcdefghijklmnopqrstu'
export const REDIRECT_URI = 'https://rp.example/callback'

/** A client record; what is given replaces the default. */
export const clientRecord = (
  over: Partial<ClientRecord> & { readonly clientId: ClientRecord['clientId'] },
): ClientRecord => ({
  version: 1,
  disabled: false,
  origin: 'operator',
  registrationTokenDigest: undefined,
  unusedExpiresAt: undefined,
  name: 'Scenario App',
  applicationType: 'web',
  authMethod: 'client_secret_basic',
  secrets: [{ digest: digest(sha256(CLIENT_SECRET)), expiresAt: undefined }],
  jwks: [],
  tlsClientName: undefined,
  certificateBoundTokens: false,
  dpopBoundTokens: false,
  jwksUri: undefined,
  redirectUris: [REDIRECT_URI],
  localhostAnyPort: false,
  scopes: ['openid', 'profile', 'email', 'address', 'phone', 'groups'],
  grantTypes: ['authorization_code'],
  pkce: 'required',
  nonce: 'required',
  idTokenAlg: 'RS256',
  idTokenClaims: 'minimal',
  trusted: false,
  defaultMaxAge: undefined,
  requirePushedRequests: false,
  refreshTokens: 'offline',
  logout: { postLogoutRedirectUris: [], backchannelUri: undefined, backchannelSessionRequired: false },
  requestObjectAlg: undefined,
  requireSignedRequests: false,
  requestUris: [],
  authorizationResponseAlg: undefined,
  corsOrigins: [],
  clientUri: undefined,
  logoUri: undefined,
  policyUri: undefined,
  tosUri: undefined,
  initiateLoginUri: undefined,
  contacts: [],
  createdAt: instant(1),
  updatedAt: instant(1),
  ...over,
})

/** Alice, with a value for every standard claim. */
export const ALICE: JsonObject = {
  name: 'Alice Example',
  family_name: 'Example',
  given_name: 'Alice',
  middle_name: 'B.',
  nickname: 'al',
  preferred_username: 'alice',
  profile: 'https://people.example/alice',
  picture: 'https://people.example/alice.png',
  website: 'https://alice.example',
  gender: 'female',
  birthdate: '1990-02-03',
  zoneinfo: 'Europe/Kyiv',
  locale: 'en-GB',
  updated_at: 1_700_000_000,
  email: 'alice@example.org',
  email_verified: true,
  address: { formatted: '1 Road\nTown', country: 'GB' },
  phone_number: '+44 20 7946 0000',
  phone_number_verified: false,
  groups: ['staff', 'admins'],
}

const keys = await Promise.all((['RS256', 'ES256', 'EdDSA'] as const).map((alg) => generateSigningKey(alg)))
const signer = createNodeSigner(keys)

/** A browser: a cookie jar before a provider. */
export interface Browser {
  readonly cookies: Map<string, string>
  /** Follows nothing. */
  send(request: Partial<WireRequest> & { readonly path: string }): Promise<Reply>
  get(path: string, parameters?: Parameters<typeof encode>[0]): Promise<Reply>
  post(path: string, parameters: Parameters<typeof encode>[0]): Promise<Reply>
  /** The request a page of ours would be sent with: this browser's cookies and nothing else. */
  bare(): WireRequest
  /** Keeps the cookies of a reply. */
  keep(reply: Reply): Reply
  /** Signs in on a login prompt. */
  signIn(reply: Reply, facts?: Partial<AuthenticationFacts>): Promise<Reply>
  /** Allows on a consent prompt. */
  allow(reply: Reply): Promise<Reply>
  deny(reply: Reply): Promise<Reply>
  /** Takes an account on a selection prompt, or asks for another one. */
  select(reply: Reply, sid: SessionId | 'other'): Promise<Reply>
  /** Takes an interaction up by GET. */
  resume(id: string): Promise<Reply>
}

/** Everything a scenario works with. */
export interface World {
  readonly provider: Provider
  readonly stores: Stores
  readonly clock: HandClock
  readonly events: AuditEntry[]
  readonly faults: unknown[]
  readonly accounts: Map<string, JsonObject>
  /** The public signing keys. */
  keys(): Awaited<ReturnType<Ports['keys']['keys']>>
  client(over?: Partial<ClientRecord>): Promise<ClientRecord>
  browser(): Browser
  /** Sends a request without a browser. */
  send(request: Partial<WireRequest> & { readonly path: string }): Promise<Reply>
}

/** Encodes parameters as a form; an array repeats its name. */
export const encode = (parameters: Readonly<Record<string, string | readonly string[] | undefined>>): string => {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of value === undefined ? [] : typeof value === 'string' ? [value] : value) form.append(name, one)
  }
  return form.toString()
}

const requestOf = (given: Partial<WireRequest> & { readonly path: string }): WireRequest => ({
  method: 'GET',
  query: '',
  headers: new Map(),
  body: undefined,
  remoteAddress: '192.0.2.1',
  ...given,
})

const FORM = ['content-type', ['application/x-www-form-urlencoded']] as const

const browserOf = (provider: Provider): Browser => {
  const cookies = new Map<string, string>()
  const cookieHeader = (): [string, string[]][] =>
    cookies.size === 0 ? [] : [['cookie', [[...cookies].map(([name, value]) => `${name}=${value}`).join('; ')]]]
  const keep = (reply: Reply): Reply => {
    for (const { name, value } of 'cookies' in reply ? reply.cookies : []) {
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    return reply
  }
  const send = async (given: Partial<WireRequest> & { readonly path: string }): Promise<Reply> => {
    const headers = new Map([...cookieHeader(), ...(given.headers ?? [])])
    const reply = await provider.respond(requestOf({ ...given, headers }))
    if (reply === undefined) throw new Error(`no route ${given.path}`)
    return keep(reply)
  }
  const bare = (): WireRequest => requestOf({ path: '/interaction', headers: new Map(cookieHeader()) })
  const prompted = (reply: Reply): PresentedInteraction => {
    if (reply.kind !== 'interact') throw new Error(`no prompt but ${JSON.stringify(reply)}`)
    return reply.interaction
  }
  return {
    cookies,
    send,
    bare,
    keep,
    get: (path, parameters = {}) => send({ path, query: encode(parameters) }),
    post: (path, parameters) => send({ path, method: 'POST', headers: new Map([FORM]), body: encode(parameters) }),
    signIn: async (reply, facts = {}) => {
      const { id, csrf } = prompted(reply)
      const whole: AuthenticationFacts = { subject: subject('alice'), amr: ['pwd'], acr: '1', ...facts }
      return keep(await provider.interactions.authenticated(bare(), { id, csrf, facts: whole }))
    },
    allow: async (reply) => keep(await provider.interactions.consented(bare(), prompted(reply))),
    deny: async (reply) => keep(await provider.interactions.denied(bare(), prompted(reply))),
    select: async (reply, sid) => {
      const { id, csrf } = prompted(reply)
      return keep(await provider.interactions.accountSelected(bare(), { id, csrf, sid }))
    },
    resume: async (id) => keep(await provider.interactions.resume(bare(), id)),
  }
}

/** A provider over memory (or given) stores, with Alice and Bob known; `ports` replaces some of the ports. */
export const createWorld = (over: Partial<ProviderConfig> = {}, ports: Partial<Ports> = {}): World => {
  let at = 1_900_000_000
  const clock: HandClock = {
    now: () => instant(at),
    advance: (seconds) => {
      at += seconds
    },
  }
  const events: AuditEntry[] = []
  const faults: unknown[] = []
  const accounts = new Map<string, JsonObject>([
    ['alice', ALICE],
    ['bob', { name: 'Bob', email: 'bob@example.org', email_verified: false }],
  ])
  const stores = over.stores ?? createMemoryStores()
  const provider = createProvider({
    issuer: 'https://op.example',
    acrValues: ['1'],
    onEvents: (more) => events.push(...more),
    onFault: (error) => faults.push(error),
    ...over,
    stores,
    ports: {
      clock,
      random: cryptoRandom,
      hasher: nodeHasher,
      signer,
      keys: { keys: () => keys.map((key) => ({ ...key, state: 'active' as const })) },
      accounts: {
        find: (person) => {
          const claims = accounts.get(person)
          return claims === undefined ? undefined : { claims }
        },
      },
      ...over.ports,
      ...ports,
    },
  })
  return {
    provider,
    stores,
    clock,
    events,
    faults,
    accounts,
    keys: () => keys.map((key) => ({ ...key, state: 'active' as const })),
    client: async (record = {}) => {
      const made = clientRecord({ clientId: clientId('app'), ...record })
      const outcome = await stores.clients.createClient(made, { now: clock.now(), events: [] })
      if (outcome !== 'created') throw new Error('client taken')
      return made
    },
    browser: () => browserOf(provider),
    send: async (request) => {
      const reply = await provider.respond(requestOf(request))
      if (reply === undefined) throw new Error(`no route ${request.path}`)
      return reply
    },
  }
}
