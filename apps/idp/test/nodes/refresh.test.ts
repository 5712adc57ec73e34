// Owns what two processes must agree on of refresh tokens. The full number of rounds is in refresh.full.ts.

import t from 'tap'
import { createIssuer } from '../support/idp.ts'
import { endedStrictly, keptOneToken, playRefreshRounds } from './refresh-rounds.ts'

for (const [window, id, holds] of [
  ['30', 'OPS-006', keptOneToken],
  ['0', 'OPS-007', endedStrictly],
] as const) {
  t.test(`[${id}] twenty refreshes at once at two processes end as the window of ${window} s says`, async (t) => {
    const issuer = await createIssuer({ REFRESH_WINDOW: window })
    t.teardown(() => issuer.close())
    const rounds = await playRefreshRounds(issuer, 5, 20)
    t.same(
      rounds.filter((round) => !holds(round)),
      [],
    )
    t.equal(rounds.length, 5)
  })
}
