// Owns the records that the tests of this package begin with: a client, a signed-in person, a consent, a code. Never judges.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  type ClientRecord,
  type CodeIssue,
  type CodeRedemption,
  clientId,
  type Digest,
  digest,
  grantHandle,
  type Instant,
  type InteractionRecord,
  instant,
  type Occasion,
  type SessionRecord,
  type Stores,
  sessionId,
  subject,
  type VerifiedRedirectUri,
} from '@vouchsafe/core'

/** The instant at which everything here happens. */
export const NOW: Instant = instant(1_800_000_000)

/** An occasion without events. */
export const occasion: Occasion = { now: NOW, events: [] }

const random = (length: number): string => randomBytes(length).toString('base64url')

/** A digest that nobody else has. */
export const newDigest = (): Digest => digest(random(32))

/** A client, a person's session, and how a code for them is issued and redeemed. */
export interface World {
  readonly client: ClientRecord
  readonly session: SessionRecord
  readonly consentVersion: number
  /** A new code that rests on the consent; not stored yet. */
  newIssue(): CodeIssue
  /** A stored one. */
  issued(): Promise<CodeIssue>
  redemptionOf(issue: CodeIssue): CodeRedemption
  /** An open interaction of this client, stored. */
  opened(pushed?: Digest): Promise<InteractionRecord & { readonly browserDigest: Digest }>
  /** A pushed request of this client, stored; answers its digest. */
  pushed(): Promise<Digest>
}

const newClient = (): ClientRecord => ({
  clientId: clientId(`client-${random(8)}`),
  version: 1,
  disabled: false,
  origin: 'operator',
  registrationTokenDigest: undefined,
  unusedExpiresAt: undefined,
  name: 'A client',
  applicationType: 'web',
  authMethod: 'client_secret_basic',
  secrets: [{ digest: newDigest(), expiresAt: undefined }],
  jwks: [],
  tlsClientName: undefined,
  certificateBoundTokens: false,
  dpopBoundTokens: false,
  jwksUri: undefined,
  redirectUris: ['https://client.example/callback'],
  localhostAnyPort: false,
  scopes: ['openid'],
  grantTypes: ['authorization_code'],
  pkce: 'required',
  nonce: 'optional',
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
  createdAt: NOW,
  updatedAt: NOW,
})

const newSession = (): SessionRecord => ({
  sid: sessionId(random(16)),
  secretDigest: newDigest(),
  subject: subject(`person-${random(8)}`),
  authTime: NOW,
  amr: ['pwd'],
  acr: undefined,
  startedAt: NOW,
  idleExpiresAt: instant(NOW + 3600),
  absoluteExpiresAt: instant(NOW + 86_400),
  endedAt: undefined,
})

const newInteraction = (client: ClientRecord): InteractionRecord & { readonly browserDigest: Digest } => ({
  id: random(16),
  browserDigest: newDigest(),
  revision: 0,
  request: {
    clientId: client.clientId,
    // A cast, because minting is the client room's right: a store only carries what was verified before.
    redirectUri: 'https://client.example/callback' as VerifiedRedirectUri,
    responseMode: 'query',
    scope: ['openid'],
    state: undefined,
    nonce: undefined,
    codeChallenge: undefined,
    dpopJkt: undefined,
    prompts: [],
    maxAge: undefined,
    loginHint: undefined,
    requiredSubject: undefined,
    uiLocales: [],
    acrValues: [],
    claims: undefined,
    resources: [],
  },
  pushedRequest: undefined,
  progress: { authenticated: undefined, selected: undefined, otherAccount: false, consentShownTo: undefined },
  createdAt: NOW,
  expiresAt: instant(NOW + 900),
  settledAt: undefined,
})

/** Registers a client, signs a person in and lets the person consent. */
export const newWorld = async (stores: Stores): Promise<World> => {
  const client = newClient()
  const session = newSession()
  assert.equal(await stores.clients.createClient(client, occasion), 'created')
  assert.equal(await stores.sessions.startSession({ session, replaces: [] }, occasion), 'started')
  const opened: World['opened'] = async (pushedRequest) => {
    const interaction = { ...newInteraction(client), pushedRequest }
    await stores.interactions.openInteraction(interaction)
    return interaction
  }
  const first = await opened()
  const consent = {
    subject: session.subject,
    clientId: client.clientId,
    scope: ['openid'],
    claims: [],
    resources: [],
    grantedAt: NOW,
    expiresAt: instant(NOW + 86_400),
  }
  const settlement = { issue: undefined, consent }
  assert.equal(
    await stores.interactions.settleInteraction(
      { id: first.id, browserDigest: first.browserDigest, revision: 0, settlement },
      occasion,
    ),
    'settled',
  )
  const consentVersion = (await stores.consents.findConsent(consent))?.version ?? 0

  const newIssue = (): CodeIssue => ({
    grant: {
      handle: grantHandle(random(16)),
      clientId: client.clientId,
      subject: session.subject,
      sid: session.sid,
      scope: ['openid'],
      resources: [],
      offline: false,
      redirectUriDigest: newDigest(),
      codeChallenge: newDigest(),
      dpopJkt: undefined,
      nonce: undefined,
      authTime: NOW,
      amr: ['pwd'],
      acr: undefined,
      claims: undefined,
      issuedAt: NOW,
      codeExpiresAt: instant(NOW + 60),
    },
    codeDigest: newDigest(),
    basis: { clientVersion: 1, subjectVersion: 1, sid: session.sid, consentVersion },
  })

  return {
    client,
    session,
    consentVersion,
    newIssue,
    opened,
    pushed: async () => {
      const { request } = newInteraction(client)
      const [digest, expiresAt, keptUntil] = [newDigest(), instant(NOW + 60), instant(NOW + 960)]
      const pushed = { digest, request, pushedAt: NOW, expiresAt, keptUntil, spentAt: undefined }
      const outcome = await stores.pushedRequests.pushRequest({ pushed, clientVersion: 1, proofs: [] }, occasion)
      assert.equal(outcome, 'pushed')
      return digest
    },
    issued: async () => {
      const issue = newIssue()
      assert.equal(await stores.grants.issueAuthorizationCode(issue, occasion), 'issued')
      return issue
    },
    redemptionOf: (issue) => ({
      handle: issue.grant.handle,
      codeDigest: issue.codeDigest,
      clientId: client.clientId,
      redirectUriDigest: issue.grant.redirectUriDigest,
      codeChallenge: issue.grant.codeChallenge,
      basis: { clientVersion: 1, subjectVersion: 1 },
      refresh: undefined,
      accessToken: {
        handle: issue.grant.handle,
        digest: newDigest(),
        clientId: client.clientId,
        scope: ['openid'],
        format: 'opaque',
        owner: 'grant',
        audience: [],
        binding: undefined,
        issuedAt: NOW,
        expiresAt: instant(NOW + 3600),
      },
      proofs: [],
    }),
  }
}
