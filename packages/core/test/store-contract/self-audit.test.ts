// Owns the audit of the contract suite by the contract's own text: no method without a case, no ending unseen, no transition unraced.
// Never judges a store.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type CaseResult, raceCases, runCases, type StoreCase, storeCases, titleOf } from '#src/store-contract/index.js'
import { type ContractDemands, demandsOf } from './contract-source.ts'
import { openMemory } from './memory-harness.ts'

const CONTRACT = fileURLToPath(new URL('../../src/store/stores.ts', import.meta.url))

const all = [...storeCases, ...raceCases]

/** What the contract demands and these results did not show. A case counts for what it claims and for what it did, both. */
const gapsOf = (demands: ContractDemands, results: readonly CaseResult[]): readonly string[] => {
  const holding = results.filter((result) => result.failure === undefined)
  const seen = new Set(holding.flatMap((result) => result.case.covers.filter((arm) => result.observed.has(arm))))
  const raced = new Set(holding.flatMap((result) => result.case.races.filter((method) => result.raced.has(method))))
  return [
    ...[...demands.arms].filter((arm) => !new Set<string>(seen).has(arm)).map((arm) => `no case for ${arm}`),
    ...[...demands.races].filter((one) => !new Set<string>(raced).has(one)).map((one) => `no race of ${one}`),
  ]
}

const results = runCases(all, { open: openMemory, assert, rounds: 1 })

t.test('[unit] every ending that the contract names is reached by a case, and every transition is raced', async (t) => {
  const demands = demandsOf(CONTRACT)
  t.ok(demands.arms.has('grants.redeemAuthorizationCode:proofReplayed'), 'outcomes behind an alias are read')
  t.ok(demands.arms.has('interactions.bindInteraction:expired'), 'outcomes behind Exclude are read')
  t.notOk(demands.arms.has('interactions.bindInteraction:stale'), 'what Exclude takes away is not')
  t.ok(demands.arms.has('attempts.admitAttempt:throttled'), 'outcomes of inline objects are read')
  t.ok(demands.races.size >= 20, `${demands.races.size} transitions need a race`)
  t.strictSame(gapsOf(demands, await results), [])
})

t.test('[unit] every arm and race that a case claims is in the contract', async (t) => {
  const demands = demandsOf(CONTRACT)
  const strange = all.flatMap((one) => [
    ...one.covers.filter((arm) => !demands.arms.has(arm)),
    ...one.races.filter(
      (method) =>
        !demands.arms.has(`${method}:value`) && ![...demands.arms].some((arm) => arm.startsWith(`${method}:`)),
    ),
  ])
  t.strictSame(strange, [])
})

t.test('[unit] a method, an outcome or a race that is missing from the suite is found', async (t) => {
  const text = readFileSync(CONTRACT, 'utf8')
  const seed = (from: string, to: string): readonly string[] => {
    if (!text.includes(from)) throw new Error(`nothing to seed at: ${from}`)
    return [text.replace(from, to)]
  }
  const withMethod = seed(
    'export interface ReservationStore {',
    `export interface ReservationStore {\n  spend(digest: Digest): Promise<'spent' | 'alreadySpent'>`,
  )
  const withComment = seed(
    'export interface AuditStore {',
    'export interface AuditStore {\n  /** Race: of several, one is first. */\n  numberEvents(): Promise<number>',
  )
  const withOutcome = seed(
    `Promise<'revoked' | 'alreadyRevoked' | 'unknown'>`,
    `Promise<'revoked' | 'alreadyRevoked' | 'unknown' | 'locked'>`,
  )
  const expected = new Map([
    [
      withMethod,
      [
        'no case for reservations.spend:spent',
        'no case for reservations.spend:alreadySpent',
        'no race of reservations.spend',
      ],
    ],
    [withComment, ['no case for audit.numberEvents:value', 'no race of audit.numberEvents']],
    [withOutcome, ['no case for grants.revokeGrant:locked']],
  ])
  for (const [[seeded], gaps] of expected) t.strictSame(gapsOf(demandsOf(CONTRACT, seeded), await results), gaps)
})

t.test(
  '[unit] each race that is taken out of the suite leaves a gap where no other case races its method',
  async (t) => {
    const demands = demandsOf(CONTRACT)
    for (const method of demands.races) {
      const without = (await results).filter((result) => !result.case.races.some((raced) => raced === method))
      t.ok(gapsOf(demands, without).includes(`no race of ${method}`), method)
    }
  },
)

t.test('[unit] a case that does not reach what it claims, or is raced by nobody, fails', async (t) => {
  const idle = { ids: [], title: 'idle', covers: [], races: [], run: async () => undefined } satisfies StoreCase
  const lonely: StoreCase = {
    ...idle,
    races: ['keys.loadKeyRing'],
    run: async ({ stores, race }) => {
      await race([() => stores.keys.loadKeyRing()])
    },
  }
  const claiming: StoreCase = { ...idle, covers: ['clients.createClient:created'] }
  const outcomes = await runCases([idle, lonely, claiming], { open: openMemory, assert, rounds: 1 })
  t.equal(outcomes[0]?.failure, undefined)
  t.match(outcomes[1]?.failure?.message, /never reached: race of keys\.loadKeyRing/)
  t.match(outcomes[2]?.failure?.message, /never reached: clients\.createClient:created/)
})

t.test(
  '[unit] a contender that is rejected fails its case after all have ended, and the store is closed',
  async (t) => {
    let ended = 0
    let closed = 0
    const rejecting: StoreCase = {
      ids: [],
      title: 'rejecting',
      covers: [],
      races: [],
      run: async ({ stores, race }) => {
        const slow = async (): Promise<void> => {
          for (let turn = 0; turn < 10; turn++) await stores.keys.loadKeyRing()
          ended++
        }
        await race([slow, () => Promise.reject(new Error('the connection is gone')), slow])
      },
    }
    const open = async () => ({ ...(await openMemory()), close: async () => void closed++ })
    const [result] = await runCases([rejecting], { open, assert, rounds: 1 })
    t.match(result?.failure?.message, /contender 1 was rejected/)
    t.strictSame([ended, closed], [2, 1])
  },
)

t.test('[unit] titles are unique, so that a failure names one case', async (t) => {
  t.equal(new Set(all.map(titleOf)).size, all.length)
})
