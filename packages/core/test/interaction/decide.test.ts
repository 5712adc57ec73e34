// Owns the invariants of the one decision of the flow, over every combination of facts.

import { instant, type Prompt, type SessionRecord, sessionId, subject } from '@vouchsafe/core'
import fc from 'fast-check'
import t from 'tap'
import { decideStep, type FlowFacts } from '#src/interaction/index.js'

const NOW = 1_900_000_000
const SIDS = ['s0', 's1', 's2', 'gone']

const session = fc.record({
  person: fc.constantFrom('alice', 'bob', 'carol'),
  age: fc.constantFrom(0, 1, 2, 50, 51, 100, 101),
  acr: fc.constantFrom(undefined, '1', '2'),
})
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })
const sid = maybe(fc.constantFrom(...SIDS).map(sessionId))
const prompts = fc.oneof(
  fc.constant<readonly Prompt[]>(['none']),
  fc.subarray<Prompt>(['login', 'consent', 'select_account']),
)

const facts: fc.Arbitrary<FlowFacts> = fc
  .record({
    held: fc.array(session, { maxLength: 3 }),
    prompts,
    maxAge: maybe(fc.constantFrom(0, 1, 100)),
    defaultMaxAge: maybe(fc.constantFrom(0, 50)),
    requiredSubject: maybe(fc.constantFrom('alice', 'bob', 'zoe').map(subject)),
    essential: maybe(fc.constantFrom<readonly string[]>(['1'], ['2'], ['9'], ['2', '9'])),
    authenticated: sid,
    selected: sid,
    otherAccount: fc.boolean(),
  })
  .map((made) => ({
    request: {
      clientId: '' as never,
      redirectUri: '' as never,
      responseMode: 'query',
      scope: ['openid'],
      state: undefined,
      nonce: undefined,
      codeChallenge: undefined,
      dpopJkt: undefined,
      prompts: made.prompts,
      maxAge: made.maxAge,
      loginHint: undefined,
      requiredSubject: made.requiredSubject,
      uiLocales: [],
      acrValues: [],
      resources: [],
      claims:
        made.essential === undefined
          ? undefined
          : { userinfo: [], idToken: [{ name: 'acr', essential: true, values: made.essential }] },
    },
    progress: {
      authenticated: made.authenticated,
      selected: made.selected,
      otherAccount: made.otherAccount,
      consentShownTo: undefined,
    },
    sessions: made.held.map(
      ({ person, age, acr }, index): SessionRecord => ({
        sid: sessionId(`s${index}`),
        secretDigest: '' as never,
        subject: subject(person),
        authTime: instant(NOW - age),
        amr: [],
        acr,
        startedAt: instant(NOW - age),
        idleExpiresAt: instant(NOW + 1),
        absoluteExpiresAt: instant(NOW + 1),
        endedAt: undefined,
      }),
    ),
    reachableAcr: ['1', '2'],
    defaultMaxAge: made.defaultMaxAge,
    now: instant(NOW),
  }))

const hold = (check: (given: FlowFacts, step: ReturnType<typeof decideStep>) => boolean): void => {
  fc.assert(
    fc.property(facts, (given) => check(given, decideStep(given))),
    { numRuns: 3000 },
  )
}

t.test('[OIDC-03] with prompt=none nobody is ever asked anything', async () => {
  hold(({ request }, { step }) => !request.prompts.includes('none') || step === 'identified' || step === 'refuse')
})

t.test(
  '[OIDC-05, OIDC-08, OIDC-21, OIDC-07, OIDC-10] whoever is let through is signed in here, the one asked for, recently enough, well enough',
  async () => {
    hold(({ request, progress, sessions, defaultMaxAge }, step) => {
      if (step.step !== 'identified') return true
      const { session } = step
      const fresh = progress.authenticated === session.sid
      const chosen = progress.selected === session.sid
      const maxAge = request.maxAge ?? defaultMaxAge
      const levels = request.claims?.idToken[0]?.values
      return (
        sessions.includes(session) &&
        (request.requiredSubject === undefined || session.subject === request.requiredSubject) &&
        (!request.prompts.includes('login') || fresh) &&
        (!request.prompts.includes('select_account') || fresh || chosen) &&
        (maxAge === undefined || fresh || (maxAge > 0 && NOW - session.authTime <= maxAge)) &&
        (levels === undefined || (session.acr !== undefined && levels.includes(session.acr)))
      )
    })
  },
)

t.test('[OIDC-08] nobody who has just signed in is asked to sign in again: no loop', async () => {
  hold(({ progress, sessions }, { step }) => {
    const fresh = sessions.some((session) => session.sid === progress.authenticated)
    return !fresh || step === 'identified' || step === 'refuse'
  })
})

t.test(
  '[unit] a choice is offered only among sessions that are there, and a level that cannot be had is never asked for',
  async () => {
    hold(({ request, sessions }, step) => {
      if (step.step === 'selectAccount') return sessions.length > 0 && request.prompts.includes('select_account')
      const levels = request.claims?.idToken[0]?.values
      return step.step !== 'login' || levels === undefined || levels.includes('1') || levels.includes('2')
    })
  },
)
