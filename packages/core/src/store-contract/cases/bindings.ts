// Owns the truth table over everything a code is bound to. Never samples: every combination is tried.

import type { CaseTools, StoreCase } from '../contract.ts'
import { codeNow, issued, redeem, redemptionOf, type SignedIn, signedIn } from '../world.ts'

/** One line of the table. */
interface Presentation {
  readonly grantHoldsChallenge: boolean
  readonly client: 'right' | 'wrong'
  readonly redirectUri: 'right' | 'wrong' | 'absent'
  readonly challenge: 'right' | 'wrong' | 'absent'
  readonly age: 'live' | 'lastSecond' | 'expired'
}

const TABLE: readonly Presentation[] = [true, false].flatMap((grantHoldsChallenge) =>
  (['right', 'wrong'] as const).flatMap((client) =>
    (['right', 'wrong', 'absent'] as const).flatMap((redirectUri) =>
      (['right', 'wrong', 'absent'] as const).flatMap((challenge) =>
        (['live', 'lastSecond', 'expired'] as const).map((age) => ({
          grantHoldsChallenge,
          client,
          redirectUri,
          challenge,
          age,
        })),
      ),
    ),
  ),
)

const SECONDS = { live: 10, lastSecond: 59, expired: 60 } as const

/** The rule in words: each binding alone refuses, whatever the others say; "right" of a grant without challenge is to send none. */
const expected = (line: Presentation): 'mismatched' | 'expired' | 'redeemed' => {
  const faults = [
    line.client === 'wrong',
    line.redirectUri === 'wrong',
    line.redirectUri === 'absent' && !line.grantHoldsChallenge,
    line.challenge === 'wrong',
    line.challenge === 'absent' && line.grantHoldsChallenge,
  ]
  if (faults.includes(true)) return 'mismatched'
  return line.age === 'expired' ? 'expired' : 'redeemed'
}

const tryLine = async (tools: CaseTools, world: SignedIn, line: Presentation): Promise<void> => {
  const { assert, fresh } = tools
  const what = JSON.stringify(line)
  const codeChallenge = line.grantHoldsChallenge ? fresh.digest() : undefined
  const issue = await issued(tools, world, { grant: { codeChallenge } })
  const attempt = redemptionOf(tools, issue, {
    ...(line.client === 'wrong' ? { clientId: fresh.clientId() } : {}),
    ...(line.redirectUri === 'wrong' ? { redirectUriDigest: fresh.digest() } : {}),
    ...(line.redirectUri === 'absent' ? { redirectUriDigest: undefined } : {}),
    ...(line.challenge === 'wrong' ? { codeChallenge: fresh.digest() } : {}),
    ...(line.challenge === 'absent' ? { codeChallenge: undefined } : {}),
  })
  const outcome = expected(line)
  assert.deepEqual(await redeem(tools, attempt, SECONDS[line.age]), { outcome }, what)
  if (outcome === 'redeemed') return
  const after = await codeNow(tools, issue)
  assert.equal(after.redeemedAt, undefined, what)
  assert.equal(after.state.revokedAt, undefined, what)
  assert.deepEqual(await redeem(tools, redemptionOf(tools, issue), 59), { outcome: 'redeemed' }, `still good: ${what}`)
}

/** The truth table, and what lies outside it: another handle or another digest. */
export const bindingCases: readonly StoreCase[] = [
  {
    ids: ['ADV-139'],
    title: 'each thing that a code is bound to refuses alone, in every combination, and no refusal consumes the code',
    covers: [
      'grants.redeemAuthorizationCode:mismatched',
      'grants.redeemAuthorizationCode:expired',
      'grants.redeemAuthorizationCode:redeemed',
    ],
    races: [],
    run: async (tools) => {
      const world = await signedIn(tools)
      for (const line of TABLE) await tryLine(tools, world, line)
    },
  },
  {
    ids: ['ADV-139'],
    title: 'a code is unknown under another handle or another digest, that of another code of the same client included',
    covers: ['grants.redeemAuthorizationCode:unknown'],
    races: [],
    run: async (tools) => {
      const { assert, fresh } = tools
      const world = await signedIn(tools)
      const issue = await issued(tools, world)
      const other = await issued(tools, world)
      for (const changes of [
        { handle: fresh.handle() },
        { codeDigest: fresh.digest() },
        { handle: other.grant.handle },
        { codeDigest: other.codeDigest },
      ]) {
        const attempt = redemptionOf(tools, issue, changes)
        assert.deepEqual(await redeem(tools, attempt), { outcome: 'unknown' })
      }
      assert.deepEqual(await redeem(tools, redemptionOf(tools, issue)), { outcome: 'redeemed' })
      assert.deepEqual(await redeem(tools, redemptionOf(tools, other)), { outcome: 'redeemed' })
    },
  },
]
