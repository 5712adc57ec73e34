// Owns the steps that many cases begin with: a registered client, a signed-in person, an issued code, an open interaction. Each step
// fails loudly where the store refuses it. Never judges what a case is about.

import type { Instant, VerifiedRedirectUri } from '../base/index.ts'
import type {
  AccessTokenRecord,
  AccessTokenSnapshot,
  AuditEntry,
  AuthorizationCodeSnapshot,
  Basis,
  ClientRecord,
  CodeIssue,
  CodeRedemption,
  CodeRedemptionOutcome,
  GrantRecord,
  InteractionRecord,
  Occasion,
  SessionRecord,
} from '../store/index.ts'
import type { CaseTools } from './contract.ts'
import { at, on } from './fresh.ts'

/** A client and a person signed in, with the basis of a decision about them. */
export interface SignedIn {
  readonly client: ClientRecord
  readonly session: SessionRecord
  readonly basis: Basis
}

/** The value, or a failure that says what was missing. */
export const present = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`expected ${what}, found nothing`)
  return value
}

/** Registers a client. */
export const register = async (tools: CaseTools, changes: Partial<ClientRecord> = {}): Promise<ClientRecord> => {
  const client = tools.fresh.client(changes)
  tools.assert.equal(await tools.stores.clients.createClient(client, on(0)), 'created')
  return client
}

/** Starts a session. */
export const signIn = async (tools: CaseTools, changes: Partial<SessionRecord> = {}): Promise<SessionRecord> => {
  const session = tools.fresh.session(changes)
  tools.assert.equal(await tools.stores.sessions.startSession({ session, replaces: [] }, on(0)), 'started')
  return session
}

/** What a decision about this client and this session rests on, as both are now. */
export const basisOf = async (tools: CaseTools, client: ClientRecord, session: SessionRecord): Promise<Basis> => {
  const current = await tools.stores.clients.findClient(client.clientId)
  const person = await tools.stores.subjects.findSubject(session.subject)
  return {
    clientVersion: present(current, 'the client').version,
    subjectVersion: present(person, 'the person').version,
    sid: session.sid,
    consentVersion: undefined,
  }
}

/** Registers a client and signs a person in. */
export const signedIn = async (tools: CaseTools, changes: Partial<SessionRecord> = {}): Promise<SignedIn> => {
  const client = await register(tools)
  const session = await signIn(tools, changes)
  return { client, session, basis: await basisOf(tools, client, session) }
}

/** A grant with its code, not stored yet. The code lives 60 seconds from the start of the case. */
export const issueFor = (
  tools: CaseTools,
  world: SignedIn,
  changes: { readonly grant?: Partial<GrantRecord>; readonly basis?: Partial<Basis> } = {},
): CodeIssue => ({
  grant: {
    handle: tools.fresh.handle(),
    clientId: world.client.clientId,
    subject: world.session.subject,
    sid: world.session.sid,
    scope: ['openid', 'profile'],
    resources: [`https://api.example/${tools.fresh.text()}`],
    offline: false,
    redirectUriDigest: tools.fresh.digest(),
    codeChallenge: tools.fresh.digest(),
    dpopJkt: tools.fresh.digest(),
    nonce: tools.fresh.text(),
    authTime: world.session.authTime,
    amr: world.session.amr,
    acr: world.session.acr,
    claims: undefined,
    issuedAt: at(0),
    codeExpiresAt: at(60),
    ...changes.grant,
  },
  codeDigest: tools.fresh.digest(),
  basis: { ...world.basis, ...changes.basis },
})

/** A stored grant with its code. */
export const issued = async (
  tools: CaseTools,
  world: SignedIn,
  changes: { readonly grant?: Partial<GrantRecord>; readonly basis?: Partial<Basis> } = {},
): Promise<CodeIssue> => {
  const issue = issueFor(tools, world, changes)
  tools.assert.equal(await tools.stores.grants.issueAuthorizationCode(issue, on(0)), 'issued')
  return issue
}

/** An access token to be stored by a redemption. */
export const tokenFor = (tools: CaseTools, grant: GrantRecord, now: Instant = at(10)): AccessTokenRecord => ({
  handle: grant.handle,
  digest: tools.fresh.digest(),
  format: 'opaque',
  owner: 'grant',
  clientId: grant.clientId,
  scope: grant.scope,
  audience: [],
  binding: undefined,
  issuedAt: now,
  expiresAt: at(3600),
})

/** A valid presentation of a code, unless changed. */
export const redemptionOf = (
  tools: CaseTools,
  issue: CodeIssue,
  changes: Partial<CodeRedemption> = {},
): CodeRedemption => ({
  handle: issue.grant.handle,
  codeDigest: issue.codeDigest,
  clientId: issue.grant.clientId,
  redirectUriDigest: issue.grant.redirectUriDigest,
  codeChallenge: issue.grant.codeChallenge,
  basis: { clientVersion: issue.basis.clientVersion, subjectVersion: issue.basis.subjectVersion },
  accessToken: tokenFor(tools, issue.grant),
  refresh: undefined,
  proofs: [],
  ...changes,
})

/** The occasion of a redemption, `seconds` after the start. */
export const redeemingOn = (
  seconds: number,
  events: { readonly events?: readonly AuditEntry[]; readonly replayEvents?: readonly AuditEntry[] } = {},
): Occasion & { readonly replayEvents: readonly AuditEntry[] } => ({
  now: at(seconds),
  events: events.events ?? [],
  replayEvents: events.replayEvents ?? [],
})

/** Presents a code ten seconds after the start, without events. */
export const redeem = (tools: CaseTools, redemption: CodeRedemption, seconds = 10): Promise<CodeRedemptionOutcome> =>
  tools.stores.grants.redeemAuthorizationCode(redemption, redeemingOn(seconds))

/** The code as it is stored now. */
export const codeNow = async (tools: CaseTools, issue: CodeIssue): Promise<AuthorizationCodeSnapshot> =>
  present(
    await tools.stores.grants.findAuthorizationCode({ handle: issue.grant.handle, codeDigest: issue.codeDigest }),
    'the code',
  )

/** The token as it is stored now. */
export const tokenNow = (tools: CaseTools, token: AccessTokenRecord): Promise<AccessTokenSnapshot | undefined> =>
  tools.stores.accessTokens.findAccessToken({ handle: token.handle, digest: token.digest })

/** Everything that can be read about a code, the token asked for and the events: equal before and after where nothing was written. */
export const traceOf = async (tools: CaseTools, redemption: CodeRedemption): Promise<unknown> => ({
  code: await tools.stores.grants.findAuthorizationCode(redemption),
  token: await tokenNow(tools, redemption.accessToken),
  events: await tools.readEvents(),
})

/** An interaction of this client, not stored yet; it lives 15 minutes. */
export const interactionFor = (
  tools: CaseTools,
  client: ClientRecord,
  changes: Partial<InteractionRecord> = {},
): InteractionRecord => ({
  id: tools.fresh.text(),
  browserDigest: tools.fresh.digest(),
  revision: 0,
  request: {
    clientId: client.clientId,
    // A cast, because minting is the client room's right: a store only carries what was verified before.
    redirectUri: `https://${client.clientId}.example/callback` as VerifiedRedirectUri,
    responseMode: 'query',
    scope: ['openid', 'profile'],
    state: 'a state, with "quotes" – and more',
    nonce: undefined,
    codeChallenge: tools.fresh.digest(),
    dpopJkt: tools.fresh.digest(),
    prompts: ['login', 'consent'],
    maxAge: 0,
    loginHint: undefined,
    requiredSubject: undefined,
    uiLocales: ['de-AT', 'en'],
    acrValues: [],
    claims: {
      userinfo: [{ name: 'email', essential: true, values: [] }],
      idToken: [{ name: 'acr', essential: false, values: ['gold', 2, true] }],
    },
    resources: ['https://api.example/one'],
  },
  pushedRequest: undefined,
  progress: { authenticated: undefined, selected: undefined, consentShownTo: undefined, otherAccount: false },
  createdAt: at(0),
  expiresAt: at(900),
  settledAt: undefined,
  ...changes,
})

/** An open interaction and the move that its own browser would make. */
export const opened = async (
  tools: CaseTools,
  client: ClientRecord,
  changes: Partial<InteractionRecord> = {},
): Promise<{
  readonly interaction: InteractionRecord
  readonly move: {
    readonly id: string
    readonly browserDigest: NonNullable<InteractionRecord['browserDigest']>
    readonly revision: number
  }
}> => {
  const interaction = interactionFor(tools, client, changes)
  tools.assert.equal(await tools.stores.interactions.openInteraction(interaction), 'opened')
  const browserDigest = interaction.browserDigest ?? tools.fresh.digest()
  return { interaction, move: { id: interaction.id, browserDigest, revision: interaction.revision } }
}
