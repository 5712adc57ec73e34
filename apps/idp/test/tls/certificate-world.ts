// Owns a running identity provider that asks clients for certificates, and relying parties that show theirs. Asserts nothing.

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { globalAgent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '@vouchsafe/core'
import { Agent, fetch as undiciFetch } from 'undici'
import { createIssuer, freePort, PASSWORD, type TestIssuer } from '../support/idp.ts'
import { createVisitor, type Visitor } from '../support/person.ts'
import { type Answered, ask, codeRequest, FORM, REDIRECT_URI, redemption } from '../web/wire.ts'
import { type KeyedCertificate, makeAuthority, makeCertificates, type TestAuthority } from './certificate.ts'

/** What is torn down with the test. */
export interface Ending {
  teardown(end: () => unknown): void
}

/** A fetch that shows a certificate, or none. */
export type Fetch = (url: string, options: { readonly body?: unknown }) => Promise<Response>

/** The server over TLS, with a second port that asks for certificates. */
export interface CertificateWorld extends TestIssuer {
  /** Subject of Alice. */
  readonly alice: string
  readonly origin: string
  /** Origin of the port that asks. */
  readonly asking: string
  readonly authority: TestAuthority
  /** Authority of the server's own certificate. */
  readonly ca: string
  /** Path of the file with the authority of clients. */
  readonly clientCaFile: string
  fetchWith(certificate?: KeyedCertificate): Fetch
  /** A code for a client, by a visitor who signs in. */
  code(
    clientId: string,
    over?: Readonly<Record<string, string>>,
  ): Promise<{ readonly code: string; readonly verifier: string }>
  /** Redeems a code at an origin, naming the client and nothing else. */
  redeemAt(
    origin: string,
    clientId: string,
    got: { readonly code: string; readonly verifier: string },
    more?: { readonly certificate?: KeyedCertificate; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Answered>
}

const fetchWithin = (t: Ending, ca: string): CertificateWorld['fetchWith'] => {
  const agents: Agent[] = []
  t.teardown(() => Promise.all(agents.map((agent) => agent.close())))
  return (certificate) => {
    const agent = new Agent({ connect: { ca, ...(certificate && { cert: certificate.cert, key: certificate.key }) } })
    agents.push(agent)
    return async (url, options) => {
      const { body, ...rest } = options
      const sent = body === undefined || body === null ? rest : { ...rest, body: String(body) }
      const answer = await undiciFetch(url, { ...(sent as object), dispatcher: agent })
      return new Response(await answer.text(), { status: answer.status, headers: [...answer.headers] })
    }
  }
}

/** Opens it; `env` is laid over the settings. */
export const openCertificateWorld = async (
  t: Ending,
  env: Readonly<Record<string, string>> = {},
): Promise<CertificateWorld> => {
  const { ca, cert, key } = makeCertificates()
  // Visitors believe the test's authority and no other.
  globalAgent.options.ca = ca
  const authority = makeAuthority()
  const folder = await mkdtemp(join(tmpdir(), 'vouchsafe-mtls-'))
  const files = { TLS_CERT: join(folder, 'cert.pem'), TLS_KEY: join(folder, 'key.pem') }
  const clientCaFile = join(folder, 'clients.pem')
  await Promise.all([
    writeFile(files.TLS_CERT, cert),
    writeFile(files.TLS_KEY, key),
    writeFile(clientCaFile, authority.ca),
  ])
  const second = await freePort()
  const issuer = await createIssuer({
    ...files,
    VOUCHSAFE_ENV: 'production',
    KEY_ENCRYPTION_SECRET: randomBytes(32).toString('base64'),
    MTLS_PORT: String(second),
    MTLS_CLIENT_CA: clientCaFile,
    ...env,
  })
  t.teardown(async () => {
    await issuer.close()
    await rm(folder, { recursive: true })
  })
  const alice = await issuer.person('alice')
  const { origin } = await issuer.start()
  return {
    ...issuer,
    alice,
    origin,
    asking: `https://localhost:${second}`,
    authority,
    ca,
    clientCaFile,
    fetchWith: fetchWithin(t, ca),
    code: async (clientId, over = {}) => {
      const { url, verifier } = codeRequest(issuer.issuer, clientId, over)
      const arrival = await createVisitor(issuer.issuer).signIn(url, { username: 'alice', password: PASSWORD })
      return { code: new URL(arrival.url).searchParams.get('code') ?? '', verifier }
    },
    redeemAt: (at, clientId, got, { certificate, headers = {} } = {}) =>
      ask(at, {
        method: 'POST',
        path: '/token',
        headers: { 'content-type': FORM, ...headers },
        body: `${redemption(got.code, got.verifier)}&client_id=${clientId}`,
        ca,
        ...(certificate && { cert: certificate.cert, key: certificate.key }),
      }),
  }
}

/** The authorization request of a relying party's library, signed in and allowed. */
export const visitOf = (issuer: TestIssuer): { readonly visitor: Visitor; readonly redirectUri: string } => ({
  visitor: createVisitor(issuer.issuer),
  redirectUri: REDIRECT_URI,
})

/** Metadata of a client with this certificate's key. */
export const withKey = (certificate: KeyedCertificate): JsonObject => ({
  token_endpoint_auth_method: 'self_signed_tls_client_auth',
  jwks: { keys: [JSON.parse(JSON.stringify(certificate.jwk))] },
})
