// Owns the full-size race of one pushed request at two processes: two hundred rounds of twenty visits.

import t from 'tap'
import { createIssuer } from '../support/idp.ts'
import { playVisits } from './visit-rounds.ts'

const ROUNDS = 200
const PARALLEL = 20

t.test(
  '[ADJ-12, OPS-001] two hundred rounds of twenty visits with one request_uri at two processes: one code, nineteen pages, no 5xx',
  { timeout: 300_000 },
  async (t) => {
    const issuer = await createIssuer()
    t.teardown(() => issuer.close())
    const rounds = await playVisits(issuer, ROUNDS, PARALLEL)
    const right = [...Array.from({ length: PARALLEL - 1 }, () => '409'), 'code'].join()
    t.same(
      rounds.filter((ends) => ends.join() !== right),
      [],
    )
    t.equal(rounds.length, ROUNDS)
  },
)
