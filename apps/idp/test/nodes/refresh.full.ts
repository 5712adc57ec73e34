// Owns the full-size race of one refresh token at two processes: two hundred rounds of twenty, with the window and without.

import t from 'tap'
import { createIssuer } from '../support/idp.ts'
import { endedStrictly, keptOneToken, playRefreshRounds } from './refresh-rounds.ts'

const ROUNDS = 200
const PARALLEL = 20

t.test(
  '[OPS-006, OPS-008, ADV-097] two hundred rounds of twenty refreshes at two processes: all 200, with one and the same token',
  { timeout: 600_000 },
  async (t) => {
    const issuer = await createIssuer()
    t.teardown(() => issuer.close())
    const rounds = await playRefreshRounds(issuer, ROUNDS, PARALLEL)
    t.same(
      rounds.filter((round) => !keptOneToken(round)),
      [],
    )
    t.equal(rounds.length, ROUNDS)
  },
)

t.test(
  '[OPS-007, ADV-001] two hundred strict rounds of twenty refreshes at two processes: one 200, nineteen invalid_grant, a dead family',
  { timeout: 600_000 },
  async (t) => {
    const issuer = await createIssuer({ REFRESH_WINDOW: '0' })
    t.teardown(() => issuer.close())
    const rounds = await playRefreshRounds(issuer, ROUNDS, PARALLEL)
    t.same(
      rounds.filter((round) => !endedStrictly(round)),
      [],
    )
    t.equal(rounds.length, ROUNDS)
  },
)
