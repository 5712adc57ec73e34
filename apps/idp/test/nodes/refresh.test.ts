// Owns what two processes must agree on of refresh tokens. The full number of rounds is in refresh.full.ts.

import t, { type Test } from 'tap'
import { createIssuer } from '../support/idp.ts'
import { endedStrictly, keptOneToken, playRefreshRounds } from './refresh-rounds.ts'

const play = async (t: Test, window: string, holds: typeof keptOneToken): Promise<void> => {
  const issuer = await createIssuer({ REFRESH_WINDOW: window })
  t.teardown(() => issuer.close())
  const rounds = await playRefreshRounds(issuer, 5, 20)
  t.same(
    rounds.filter((round) => !holds(round)),
    [],
  )
  t.equal(rounds.length, 5)
}

t.test('[OPS-006, OPS-008] twenty refreshes at once at two processes are all answered with one token that lives', (t) =>
  play(t, '30', keptOneToken),
)

t.test(
  '[OPS-007, ADV-001] of twenty strict refreshes at once at two processes one is answered, and the family is dead',
  (t) => play(t, '0', endedStrictly),
)
