// Owns a small relying party: sign in by code + PKCE, show the claims, sign out. Built on openid-client as anybody would; it imports
// nothing of the server. Never meant for production: sessions live in memory.

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import * as client from 'openid-client'
import { page } from './page.ts'

/** How the relying party knows its server and itself. */
export interface RelyingPartySettings {
  /** Issuer identifier; http is accepted on loopback, for trying out. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Own origin, for instance `http://localhost:3001`; `/callback` below it is the redirect URI. */
  readonly origin: string
  readonly scope: string
}

interface PendingSignIn {
  readonly verifier: string
  readonly nonce: string
}

interface Session {
  /** By their state: a browser may have begun in several tabs. */
  readonly pending: Map<string, PendingSignIn>
  idToken: object | undefined
  /** The ID token as it came: what proves at sign-out whose session is to end. */
  hint: string | undefined
  userinfo: object | undefined
}

// Parameters that the start page may pass on, to try out what they do.
const PASSED_ON = ['prompt', 'max_age', 'login_hint', 'response_mode', 'claims', 'ui_locales'] as const
// A demonstration needs no more; the oldest goes first.
const MAX_SESSIONS = 1000
const MAX_PENDING = 20

// Cookies know no ports: two demonstrations on one machine must not take each other's.
const cookieName = ({ origin }: RelyingPartySettings): string => `demo_session_${new URL(origin).port}`

const readCookie = (request: IncomingMessage, name: string): string | undefined =>
  request.headers.cookie
    ?.split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1)

/** Makes room for one more in a map that remembers its order. */
const dropOldest = (map: Map<string, unknown>, most: number): void => {
  const oldest = map.keys().next().value
  if (map.size >= most && oldest !== undefined) map.delete(oldest)
}

const readBody = async (request: IncomingMessage): Promise<string> => {
  let body = ''
  for await (const chunk of request) {
    body += String(chunk)
    if (body.length > 16_384) throw new Error('the request is too large')
  }
  return body
}

const sendPage = (response: ServerResponse, status: number, html: string, formsLeadTo = ''): void => {
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': `default-src 'none'; style-src 'unsafe-inline'; form-action 'self' ${formsLeadTo}; frame-ancestors 'none'`,
  })
  response.end(html)
}

const redirect = (response: ServerResponse, location: string): void => {
  response.writeHead(303, { Location: location, 'Cache-Control': 'no-store' })
  response.end()
}

interface Surroundings {
  readonly settings: RelyingPartySettings
  readonly configuration: client.Configuration
  readonly sessions: Map<string, Session>
}

const sessionOf = (around: Surroundings, request: IncomingMessage, response: ServerResponse): Session => {
  const { sessions, settings } = around
  const name = cookieName(settings)
  const found = sessions.get(readCookie(request, name) ?? '')
  if (found !== undefined) return found
  const id = randomBytes(32).toString('base64url')
  const session: Session = { pending: new Map(), idToken: undefined, hint: undefined, userinfo: undefined }
  dropOldest(sessions, MAX_SESSIONS)
  sessions.set(id, session)
  response.setHeader('Set-Cookie', `${name}=${id}; HttpOnly; SameSite=Lax; Path=/`)
  return session
}

const startSignIn = async (around: Surroundings, session: Session, asked: URLSearchParams): Promise<string> => {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  dropOldest(session.pending, MAX_PENDING)
  session.pending.set(state, { verifier, nonce })
  const parameters: Record<string, string> = {
    redirect_uri: `${around.settings.origin}/callback`,
    scope: around.settings.scope,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }
  for (const name of PASSED_ON) {
    const value = asked.get(name)
    if (value !== null && value !== '') parameters[name] = value
  }
  return client.buildAuthorizationUrl(around.configuration, parameters).href
}

interface Callback {
  readonly answer: URL | Request
  readonly state: string
}

const finishSignIn = async (around: Surroundings, session: Session, { answer, state }: Callback): Promise<void> => {
  const pending = session.pending.get(state)
  if (pending === undefined) throw new Error('no such sign-in was started in this browser')
  session.pending.delete(state)
  const tokens = await client.authorizationCodeGrant(around.configuration, answer, {
    pkceCodeVerifier: pending.verifier,
    expectedState: state,
    expectedNonce: pending.nonce,
    idTokenExpected: true,
  })
  const claims = tokens.claims()
  if (claims === undefined) throw new Error('no ID token came')
  session.idToken = claims
  session.hint = tokens.id_token
  session.userinfo = await client.fetchUserInfo(around.configuration, tokens.access_token, claims.sub)
}

/** Ends the session here, and answers where the browser goes to end it at the server too (OIDC RP-Initiated Logout §2). */
const signOut = ({ settings, configuration }: Surroundings, session: Session): string => {
  const { hint } = session
  session.idToken = undefined
  session.hint = undefined
  session.userinfo = undefined
  const home = `${settings.origin}/`
  // Without an end_session_endpoint there is nothing more to end.
  if (hint === undefined || configuration.serverMetadata().end_session_endpoint === undefined) return home
  return client.buildEndSessionUrl(configuration, { id_token_hint: hint, post_logout_redirect_uri: home }).href
}

const messageOf = (error: unknown): string => {
  if (error instanceof client.AuthorizationResponseError) {
    return `${error.error}${error.error_description === undefined ? '' : `: ${error.error_description}`}`
  }
  return error instanceof Error ? error.message : 'unknown error'
}

const readCallback = async (url: URL, request: IncomingMessage): Promise<Callback> => {
  if (request.method !== 'POST') return { answer: url, state: url.searchParams.get('state') ?? '' }
  const body = await readBody(request)
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const state = new URLSearchParams(body).get('state') ?? ''
  return { answer: new Request(url, { method: 'POST', headers, body }), state }
}

const answer = async (around: Surroundings, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const url = new URL(request.url ?? '/', around.settings.origin)
  const session = sessionOf(around, request, response)
  if (url.pathname === '/login') return redirect(response, await startSignIn(around, session, url.searchParams))
  if (url.pathname === '/callback') {
    try {
      await finishSignIn(around, session, await readCallback(url, request))
    } catch (error) {
      return sendPage(response, 400, page({ kind: 'failed', message: messageOf(error) }))
    }
    return redirect(response, '/')
  }
  if (url.pathname === '/logout' && request.method === 'POST') {
    return redirect(response, signOut(around, session))
  }
  if (url.pathname !== '/') return sendPage(response, 404, page({ kind: 'failed', message: 'there is nothing here' }))
  const { idToken, userinfo } = session
  return sendPage(
    response,
    200,
    idToken === undefined || userinfo === undefined
      ? page({ kind: 'signedOut', issuer: around.settings.issuer })
      : page({ kind: 'signedIn', idToken, userinfo, issuer: around.settings.issuer }),
    // Browsers hold the redirect after a form against this too.
    new URL(around.settings.issuer).origin,
  )
}

/** Makes the relying party; it reads the server's metadata first and rejects when that fails. The caller listens. */
export const createRelyingParty = async (settings: RelyingPartySettings): Promise<Server> => {
  const insecure = settings.issuer.startsWith('http:') ? { execute: [client.allowInsecureRequests] } : undefined
  const configuration = await client.discovery(
    new URL(settings.issuer),
    settings.clientId,
    settings.clientSecret,
    client.ClientSecretBasic(settings.clientSecret),
    insecure,
  )
  const around: Surroundings = { settings, configuration, sessions: new Map() }
  return createServer((request, response) => {
    answer(around, request, response).catch((error: unknown) => {
      if (!response.headersSent) sendPage(response, 500, page({ kind: 'failed', message: messageOf(error) }))
      else response.destroy()
    })
  })
}
