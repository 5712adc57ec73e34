// Owns a model of one family of refresh tokens, and what people and thieves do with it: two tabs, lost and late answers, crashes. Runs it
// against a whole provider over any store. Asserts by returning what differed.

import { createHash } from 'node:crypto'
import {
  type AuthenticationFacts,
  createProvider,
  type Instant,
  instant,
  type Provider,
  type Reply,
  reveal,
  type Stores,
  subject,
} from '@vouchsafe/core'
import { createClient } from '@vouchsafe/core/admin'
import { createNodeSigner, cryptoRandom, generateSigningKey, nodeHasher } from '@vouchsafe/core/ports-node'
import fc from 'fast-check'

const REDIRECT = 'https://rp.example/callback'
const WINDOW = 30

const CLIENT = {
  client_name: 'Interleaved',
  redirect_uris: [REDIRECT],
  scope: 'openid',
  grant_types: ['authorization_code', 'refresh_token'],
  id_token_signed_response_alg: 'ES256',
  trusted: true,
}

const POLICY = {
  development: true,
  grantTypes: ['authorization_code', 'refresh_token'],
  scopes: 'any',
  unknownFields: 'refuse',
} as const

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** Who holds a refresh token. The thief holds what he last took from a tab. */
export type Holder = 'one' | 'other' | 'thief'

/** What happens. `fate` is what becomes of the answer: it arrives, is lost (or its receiver crashes), or arrives after the next step. */
export type Step =
  | { readonly kind: 'refresh'; readonly by: Holder; readonly fate: 'arrives' | 'lost' | 'late' }
  /** Both tabs at the same moment. */
  | { readonly kind: 'together' }
  | { readonly kind: 'steal'; readonly from: 'one' | 'other' }
  /** One tab hands its token to the other, as tabs with one storage do. */
  | { readonly kind: 'share'; readonly from: 'one' | 'other' }
  | { readonly kind: 'wait'; readonly seconds: number }

const holder = fc.constantFrom<Holder>('one', 'other', 'thief')
const tab = fc.constantFrom<'one' | 'other'>('one', 'other')

/** Histories of a family. */
export const histories: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('refresh' as const),
        by: holder,
        fate: fc.constantFrom('arrives' as const, 'lost' as const, 'late' as const),
      }),
    },
    { weight: 2, arbitrary: fc.constant({ kind: 'together' as const }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('steal' as const), from: tab }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('share' as const), from: tab }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        seconds: fc.constantFrom(1, 10, WINDOW - 1, WINDOW, 300),
      }),
    },
  ),
  { minLength: 1, maxLength: 14 },
)

/** The family as the design has it: generations in a row, of which the last lives. */
interface Model {
  readonly live: number
  readonly rotatedAt: number
  readonly dead: boolean
}

/** What presenting a generation must come to: the generation that is answered, or a refusal. */
const presented = (
  model: Model,
  generation: number,
  now: number,
): { readonly next: Model; readonly answer: number | 'refused' } => {
  if (model.dead) return { next: model, answer: 'refused' }
  if (generation === model.live) {
    return { next: { live: generation + 1, rotatedAt: now, dead: false }, answer: generation + 1 }
  }
  if (generation === model.live - 1 && now < model.rotatedAt + WINDOW) return { next: model, answer: model.live }
  return { next: { ...model, dead: true }, answer: 'refused' }
}

const bodyOf = (reply: Reply | undefined): Record<string, string> => {
  if (reply?.kind !== 'json') throw new Error(`no JSON but ${JSON.stringify(reply)}`)
  return JSON.parse(reply.body) as Record<string, string>
}

interface Family {
  readonly first: string
  refresh(token: string): Promise<string | 'refused'>
}

const signer = generateSigningKey('ES256').then((key) => ({ key, signer: createNodeSigner([key]) }))

const providerOver = async (stores: Stores, now: () => Instant): Promise<Provider> => {
  const { key, signer: sign } = await signer
  return createProvider({
    issuer: 'https://op.example',
    lifetimes: { refreshWindow: WINDOW },
    stores,
    ports: {
      clock: { now },
      random: cryptoRandom,
      hasher: nodeHasher,
      signer: sign,
      keys: { keys: () => [{ ...key, state: 'active' as const }] },
      accounts: { find: () => ({ claims: {} }) },
    },
  })
}

const request = (
  path: string,
  over: { readonly query?: string; readonly body?: string; readonly headers?: [string, string[]][] },
) => ({
  method: over.body === undefined ? 'GET' : 'POST',
  path,
  query: over.query ?? '',
  headers: new Map(over.headers ?? []),
  body: over.body,
  remoteAddress: '192.0.2.1',
})

const cookieOf = (reply: Reply | undefined): [string, string[]][] => {
  const cookies = reply !== undefined && 'cookies' in reply ? reply.cookies : []
  return [['cookie', [cookies.map(({ name, value }) => `${name}=${value}`).join('; ')]]]
}

/** A sign-in up to the first refresh token. */
const begin = async (stores: Stores, now: () => Instant): Promise<Family> => {
  const provider = await providerOver(stores, now)
  const ports = { clock: { now }, random: cryptoRandom, hasher: nodeHasher }
  const made = await createClient(
    { stores, ports },
    { metadata: CLIENT, actor: 'test', clientId: undefined, policy: POLICY },
  )
  if (!made.ok || made.value.secret === undefined) throw new Error(JSON.stringify(made))
  const id = made.value.client.clientId
  const secret = reveal(made.value.secret)
  const verifier = sha256(id)
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: id,
    redirect_uri: REDIRECT,
    scope: 'openid offline_access',
    code_challenge: sha256(verifier),
    code_challenge_method: 'S256',
  }).toString()
  const asked = await provider.respond(request('/authorize', { query }))
  if (asked?.kind !== 'interact') throw new Error(`no prompt but ${JSON.stringify(asked)}`)
  const facts: AuthenticationFacts = { subject: subject(`person-${id}`), amr: ['pwd'], acr: undefined }
  const at = (headers: [string, string[]][]) => request('/interaction', { headers })
  const browser = cookieOf(asked)
  const answer = await provider.interactions.authenticated(at(browser), { ...asked.interaction, facts })
  if (answer.kind !== 'redirect') throw new Error(`no redirect but ${JSON.stringify(answer)}`)
  const code = new URL(answer.location).searchParams.get('code') ?? ''
  const basic: [string, string[]][] = [
    ['content-type', ['application/x-www-form-urlencoded']],
    ['authorization', [`Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`]],
  ]
  const token = (form: Record<string, string>): Promise<Reply | undefined> =>
    provider.respond(request('/token', { headers: basic, body: new URLSearchParams(form).toString() }))
  const redeemed = bodyOf(
    await token({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: verifier }),
  )
  return {
    first: redeemed['refresh_token'] ?? '',
    refresh: async (presentedToken) => {
      const body = bodyOf(await token({ grant_type: 'refresh_token', refresh_token: presentedToken }))
      if (body['error'] === 'invalid_grant') return 'refused'
      if (body['refresh_token'] === undefined) throw new Error(JSON.stringify(body))
      return body['refresh_token']
    },
  }
}

const together = (
  model: Model,
  order: readonly (readonly [index: number, generation: number])[],
  now: number,
): { readonly model: Model; readonly answers: readonly (number | 'refused')[] } => {
  const answers: (number | 'refused')[] = []
  let current = model
  for (const [index, generation] of order) {
    const { next, answer } = presented(current, generation, now)
    answers[index] = answer
    current = next
  }
  return { model: current, answers }
}

/** Whether answers fit what the model says of them, given the tokens known so far; notes those that are new. */
const fits = (
  tokens: Map<number, string>,
  expected: readonly (number | 'refused')[],
  answers: readonly string[],
): boolean => {
  const known = new Map(tokens)
  for (const [index, wanted] of expected.entries()) {
    const answer = answers[index] ?? ''
    if (wanted === 'refused' || answer === 'refused') {
      if (wanted !== answer) return false
      continue
    }
    const before = known.get(wanted)
    if (before === undefined ? [...known.values()].includes(answer) : before !== answer) return false
    known.set(wanted, answer)
  }
  for (const [generation, token] of known) tokens.set(generation, token)
  return true
}

/** Plays one history over a store; answers the first step whose answers differ from the model's, or undefined. */
export const play = async (stores: Stores, steps: readonly Step[]): Promise<Step | undefined> => {
  let now = 1_900_000_000
  const family = await begin(stores, () => instant(now))
  const tokens = new Map([[0, family.first]])
  const held = new Map<Holder, number>([
    ['one', 0],
    ['other', 0],
  ])
  let model: Model = { live: 0, rotatedAt: now, dead: false }
  let late: readonly (readonly [Holder, number])[] = []
  for (const step of steps) {
    const arriving = late
    late = []
    if (step.kind === 'wait') now += step.seconds
    if (step.kind === 'steal') held.set('thief', held.get(step.from) ?? 0)
    if (step.kind === 'share') held.set(step.from === 'one' ? 'other' : 'one', held.get(step.from) ?? 0)
    if (step.kind === 'refresh' || step.kind === 'together') {
      const who: readonly Holder[] = step.kind === 'refresh' ? [step.by] : ['one', 'other']
      const order = who.flatMap((one, index) => {
        const generation = held.get(one)
        return generation === undefined ? [] : [[index, generation] as const]
      })
      const answers = await Promise.all(order.map(([, generation]) => family.refresh(tokens.get(generation) ?? '')))
      const orders = [order, [...order].reverse()].map((one) => together(model, one, now))
      const right = orders.find((one) => fits(tokens, one.answers, answers))
      if (right === undefined) return step
      model = right.model
      for (const [index, one] of who.entries()) {
        const answer = right.answers[index]
        if (typeof answer !== 'number' || (step.kind === 'refresh' && step.fate === 'lost')) continue
        if (step.kind === 'refresh' && step.fate === 'late') late = [...late, [one, answer]]
        else held.set(one, answer)
      }
    }
    for (const [one, generation] of arriving) held.set(one, generation)
  }
  return undefined
}
