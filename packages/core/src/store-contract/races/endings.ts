// Owns the races of one method against another that ends what it rests on: after the ending has answered, nothing more succeeds.

import { exchangeOn } from '../cases/exchange.ts'
import { ownToken } from '../cases/tokens.ts'
import type { CaseTools, MethodName, StoreCase } from '../contract.ts'
import { lasting, refreshAt, refreshOf } from '../families.ts'
import { on } from '../fresh.ts'
import { issued, issueFor, opened, redeem, redemptionOf, register, type SignedIn, signedIn } from '../world.ts'
import { eachRound, raceEnding } from './rounds.ts'

interface Killer {
  readonly title: string
  kill(tools: CaseTools, world: SignedIn): Promise<string>
}

const CLIENT_KILLERS: readonly Killer[] = [
  {
    title: 'the client is disabled',
    kill: ({ stores }, { client }) => stores.clients.updateClient({ ...client, version: 2, disabled: true }, on(1)),
  },
  {
    title: 'the client is deleted',
    kill: ({ stores }, { client }) => stores.clients.deleteClient(client.clientId, on(1)),
  },
]

const PERSON_KILLERS: readonly Killer[] = [
  {
    title: 'the person is disabled',
    kill: ({ stores }, { session }) =>
      stores.subjects.changeSubject({ subject: session.subject, status: 'disabled' }, on(1)),
  },
]

const SESSION_KILLERS: readonly Killer[] = [
  {
    title: 'the session is ended',
    kill: ({ stores }, { session }) => stores.sessions.endSession(session.sid, on(1)),
  },
  {
    title: 'all sessions of the person are ended',
    kill: async ({ stores }, { session }) =>
      String(await stores.sessions.endSessionsOf({ subject: session.subject, except: undefined }, on(1))),
  },
]

interface Attempted {
  readonly title: string
  readonly method: MethodName
  readonly wins: string
  readonly refused: string
  /** Prepares one more try, so that only the transition itself takes part in the race. */
  prepare(tools: CaseTools, world: SignedIn): Promise<() => Promise<string>>
}

const REDEEMING: readonly Attempted[] = [
  {
    title: 'no code is redeemed',
    method: 'grants.redeemAuthorizationCode',
    wins: 'redeemed',
    refused: 'stale',
    prepare: async (tools, world) => {
      const redemption = redemptionOf(tools, await issued(tools, world))
      return async () => (await redeem(tools, redemption)).outcome
    },
  },
  {
    title: 'no grant is refreshed',
    method: 'grants.refreshGrant',
    wins: 'rotated',
    refused: 'stale',
    prepare: async (tools, world) => {
      const refresh = refreshOf(tools, await lasting(tools, world))
      return async () => (await refreshAt(tools, refresh, 20)).outcome
    },
  },
]

const EXCHANGING: readonly Attempted[] = [
  {
    title: 'no token is exchanged',
    method: 'accessTokens.issueExchangedToken',
    wins: 'issued',
    refused: 'stale',
    prepare: async (tools, world) => {
      const issue = { ...(await exchangeOn(tools, world, await register(tools))), proofs: [] }
      return () => tools.stores.accessTokens.issueExchangedToken(issue, on(20))
    },
  },
]

const GIVING: readonly Attempted[] = [
  {
    title: 'no client is given a token in its own name',
    method: 'accessTokens.issueOwnToken',
    wins: 'issued',
    refused: 'stale',
    prepare: async (tools, { client }) => {
      const issue = { token: ownToken(tools, client), basis: { clientVersion: client.version }, proofs: [] }
      return () => tools.stores.accessTokens.issueOwnToken(issue, on(10))
    },
  },
]

const ISSUING: readonly Attempted[] = [
  {
    title: 'no code is issued',
    method: 'grants.issueAuthorizationCode',
    wins: 'issued',
    refused: 'stale',
    prepare: async (tools, world) => {
      const issue = issueFor(tools, world)
      return () => tools.stores.grants.issueAuthorizationCode(issue, on(10))
    },
  },
  {
    title: 'no interaction is settled with a code',
    method: 'interactions.settleInteraction',
    wins: 'settled',
    refused: 'stale',
    prepare: async (tools, world) => {
      const { move } = await opened(tools, world.client)
      const settlement = { issue: issueFor(tools, world), consent: undefined }
      return () => tools.stores.interactions.settleInteraction({ ...move, settlement }, on(10))
    },
  },
]

/** As many prepared tries as a race and its aftermath take. */
const PREPARED = 70

/** The same race for each pairing of a try with an ending. */
const pairings = (tries: readonly Attempted[], killers: readonly Killer[]): readonly Omit<StoreCase, 'ids'>[] =>
  tries.flatMap((attempted) =>
    killers.map((killer) => ({
      title: `${attempted.title} after ${killer.title}, however many try at that moment`,
      ...against(attempted, killer),
    })),
  )

const against = (attempted: Attempted, killer: Killer): Omit<StoreCase, 'ids' | 'title'> => ({
  covers: [`${attempted.method}:${attempted.wins}`, `${attempted.method}:${attempted.refused}`],
  races: [attempted.method],
  run: (tools) =>
    eachRound(tools, async () => {
      const world = await signedIn(tools)
      const tries = await Promise.all(Array.from({ length: PREPARED }, () => attempted.prepare(tools, world)))
      await raceEnding(tools, {
        attempt: async () => {
          const next = tries.pop()
          if (next === undefined) throw new Error('more tries than were prepared')
          return next()
        },
        kill: () => killer.kill(tools, world),
        wins: attempted.wins,
        refused: attempted.refused,
      })
    }),
})

/** Races against an ending. */
export const endingRaces: readonly StoreCase[] = [
  ...pairings([...REDEEMING, ...EXCHANGING, ...ISSUING, ...GIVING], CLIENT_KILLERS).map((one) => ({
    ...one,
    ids: ['OPS-017'],
    title: one.title,
  })),
  ...pairings([...REDEEMING, ...EXCHANGING, ...ISSUING], PERSON_KILLERS).map((one) => ({
    ...one,
    ids: ['OPS-018'],
    title: one.title,
  })),
  ...pairings([...REDEEMING, ...EXCHANGING], SESSION_KILLERS).map((one) => ({ ...one, ids: [], title: one.title })),
  ...pairings(ISSUING, SESSION_KILLERS).map((one) => ({ ...one, ids: ['OPS-019'], title: one.title })),
  {
    ids: ['OPS-018'],
    title: 'no session starts after the person is disabled, however many try at that moment',
    covers: ['sessions.startSession:started', 'sessions.startSession:subjectDisabled'],
    races: ['sessions.startSession'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, fresh } = tools
        const subject = fresh.subject()
        await stores.subjects.createSubject(subject, on(0))
        await raceEnding(tools, {
          attempt: () => stores.sessions.startSession({ session: fresh.session({ subject }), replaces: [] }, on(1)),
          kill: () => stores.subjects.changeSubject({ subject, status: 'disabled' }, on(1)),
          wins: 'started',
          refused: 'subjectDisabled',
        })
      }),
  },
]
