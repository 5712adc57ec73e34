// Owns the token endpoint's fixed pipeline (RFC 6749 §3.2): read, pick, authenticate, parse, load, decide, mint, commit, respond.
// Grant types fill four of the steps and can leave out none of the others.

import { auditEntry } from '../../audit/index.ts'
import { err, type Instant, type MultiMap, ok, type Result, repeated, single } from '../../base/index.ts'
import { authenticateClient, type PresentedCredentials, parseCredentials, withProof } from '../../client-auth/index.ts'
import type { Answer, Context } from '../../context/index.ts'
import { withNonce } from '../../dpop/index.ts'
import type { Asked, GrantType, OpenGrantType, TokenRejection } from '../../grant-types/index.ts'
import { parseResources } from '../../resource/index.ts'
import { parseScope } from '../../scope/index.ts'
import type { ClientRecord } from '../../store/index.ts'
import { isFormContentType, parseForm, type Reply, singleHeader, type WireRequest } from '../../wire/index.ts'
import type { Addressee } from '../cross-origin.ts'
import { decideBinding, type ProvenKeys, readKeys, whichReplayed } from './binding.ts'
import { mintTokens } from './mint.ts'
import { type AnsweredTokens, respondRefused, respondTokens } from './respond.ts'

// One retry settles an honest race; more means something keeps changing.
const MAX_TRIES = 3

// One request may name several resources (RFC 8707 §2), by either name (RFC 8693 §2.1).
const MAY_REPEAT: ReadonlySet<string> = new Set(['resource', 'audience'])

interface ParsedForm {
  readonly form: MultiMap
  readonly grantType: OpenGrantType
  readonly asked: Asked
  readonly credentials: PresentedCredentials
}

const readForm = (request: WireRequest): Result<MultiMap, TokenRejection> => {
  if (!isFormContentType(singleHeader(request, 'content-type'))) return err({ reason: 'notAForm' })
  const form = parseForm(request.body ?? '')
  if (!form.ok) return form
  return repeated(form.value, MAY_REPEAT).length === 0 ? form : err({ reason: 'parameterRepeated' })
}

/** Parameters that mean the same to every grant type, whether it reads them or not. */
const parseAsked = (form: MultiMap): Result<Asked, TokenRejection> => {
  const resources = parseResources(form.get('resource') ?? [])
  if (!resources.ok) return resources
  const text = single(form, 'scope')
  const scope = text === undefined ? ok(undefined) : parseScope(text)
  return scope.ok ? ok({ scope: scope.value, resources: resources.value }) : err({ reason: 'scopeMalformed' })
}

const parseRequest = (
  request: WireRequest,
  grantTypes: ReadonlyMap<string, OpenGrantType>,
): Result<ParsedForm, TokenRejection> => {
  const form = readForm(request)
  if (!form.ok) return form
  const name = single(form.value, 'grant_type')
  if (name === undefined) return err({ reason: 'parameterMissing', name: 'grant_type' })
  const grantType = grantTypes.get(name)
  if (grantType === undefined) return err({ reason: 'grantTypeUnsupported' })
  const asked = parseAsked(form.value)
  if (!asked.ok) return asked
  const credentials = parseCredentials(request, form.value)
  if (!credentials.ok) return credentials
  return ok({ form: form.value, grantType, asked: asked.value, credentials: credentials.value })
}

interface ProvenForm extends ParsedForm {
  readonly keys: ProvenKeys
}

interface Occasion {
  readonly network: string
  readonly now: Instant
}

interface Issued {
  readonly tokens: AnsweredTokens
  readonly client: ClientRecord
  readonly events: Answer<Reply>['events']
}

const runOnce = async <Parsed, Loaded>(
  context: Context,
  { form, asked, credentials, keys }: ProvenForm,
  grantType: GrantType<Parsed, Loaded>,
  occasion: Occasion,
): Promise<Result<Issued, TokenRejection | 'stale'>> => {
  const authenticated = await authenticateClient(context, credentials, occasion)
  if (!authenticated.ok) return authenticated
  const { client } = authenticated.value
  const binding = decideBinding(client, keys)
  if (!binding.ok) return binding
  if (!client.grantTypes.includes(grantType.grantType)) return err({ reason: 'grantTypeNotAllowed' })
  const parsed = grantType.parse(form)
  if (!parsed.ok) return parsed
  const loaded = await grantType.load(context, parsed.value)
  const facts = {
    client: withProof(authenticated.value, keys.proof?.reservation),
    parsed: parsed.value,
    asked,
    binding: binding.value,
    loaded,
    now: occasion.now,
  }
  const decided = grantType.decide(facts)
  if (!decided.ok) return decided
  // Signed before the commit, so that a signer that fails consumes nothing.
  const minted = await mintTokens(context, {
    client,
    decision: decided.value,
    asked,
    binding: binding.value,
    now: occasion.now,
  })
  if (!minted.ok) return minted
  const { accessToken, refresh, idToken } = minted.value
  const write = { ...facts, accessToken: accessToken.record, refresh, network: occasion.network }
  const committed = await grantType.commit(context, write)
  if (!committed.ok) return err(whichReplayed(committed.error, authenticated.value, keys))
  const { refreshToken, events } = committed.value
  const { issuedTokenType } = committed.value
  return ok({ tokens: { accessToken, idToken, refreshToken, issuedTokenType }, client, events })
}

const run = async (
  context: Context,
  request: WireRequest,
  form: ParsedForm,
  occasion: Occasion,
): Promise<Result<Issued, TokenRejection>> => {
  // Before anything else is looked at: a request whose proof does not hold is not acted upon (RFC 9449 §8).
  const keys = await readKeys(context, request, { endpoint: 'token', now: occasion.now })
  if (!keys.ok) return keys
  const parsed = { ...form, keys: keys.value }
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const ending = await parsed.grantType.open((grantType) => runOnce(context, parsed, grantType, occasion))
    if (ending.ok) return ending
    if (ending.error !== 'stale') return err(ending.error)
  }
  return err({ reason: 'stateChanged' })
}

const refusalEvents = (
  parsed: Result<ParsedForm, TokenRejection>,
  rejection: TokenRejection,
  told: { readonly error: string; readonly status: number },
  occasion: Occasion,
): Answer<Reply>['events'] => {
  // A device asks every few seconds for as long as its person takes.
  if (told.error === 'authorization_pending' || told.error === 'slow_down') return []
  const clientId = parsed.ok ? parsed.value.credentials.clientId : undefined
  const reason = rejection.reason === 'subjectTokenDead' ? rejection.because : rejection.reason
  const who = { reason, network: occasion.network, ...(clientId === undefined ? {} : { clientId }) }
  const authentication = told.status === 401 || told.status === 429
  return [
    authentication
      ? auditEntry('client_authentication.failed', occasion.now, {
          ...who,
          ...(parsed.ok ? { method: parsed.value.credentials.method } : {}),
        })
      : auditEntry('token.refused', occasion.now, {
          ...who,
          error: told.error,
          ...(parsed.ok ? { grantType: parsed.value.grantType.grantType } : {}),
        }),
  ]
}

/** Answers a token request. Only POST reaches it. */
export const tokenEndpoint = (
  context: Context,
  grantTypes: readonly OpenGrantType[],
): ((request: WireRequest) => Promise<Answer<Reply> & Addressee>) => {
  const table = new Map(grantTypes.map((grantType) => [grantType.grantType, grantType]))
  return async (request) => {
    const occasion: Occasion = { network: request.remoteAddress, now: context.ports.clock.now() }
    const parsed = parseRequest(request, table)
    const ending = parsed.ok ? await run(context, request, parsed.value, occasion) : parsed
    if (ending.ok) {
      const { tokens, events, client } = ending.value
      return { reply: await withNonce(context, respondTokens(tokens), occasion.now), events, client }
    }
    const { reply, told } = respondRefused(request, ending.error, occasion.now)
    const client = parsed.ok ? parsed.value.credentials.clientId : undefined
    const answer = await withNonce(context, reply, occasion.now)
    return { reply: answer, events: refusalEvents(parsed, ending.error, told, occasion), client }
  }
}
