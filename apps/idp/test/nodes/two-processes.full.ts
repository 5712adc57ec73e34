// Owns the full-size race of one code at two processes: two hundred rounds of twenty.

import t from 'tap'
import { createIssuer } from '../support/idp.ts'
import { playProofRounds } from './proof-rounds.ts'
import { playRounds } from './redemption-rounds.ts'

const ROUNDS = 200
const PARALLEL = 20

t.test(
  '[OPS-001, OPS-002, OPS-005] two hundred rounds of twenty redemptions at two processes: one 200, nineteen invalid_grant, no 5xx, and dead tokens',
  { timeout: 300_000 },
  async (t) => {
    const issuer = await createIssuer()
    t.teardown(() => issuer.close())
    const rounds = await playRounds(issuer, ROUNDS, PARALLEL)
    const right = rounds.filter(
      ({ statuses, errors, afterwards }) =>
        statuses.get(200) === 1 &&
        statuses.get(400) === PARALLEL - 1 &&
        [...errors].join() === 'invalid_grant' &&
        afterwards.every((status) => status === 401),
    )
    t.equal(right.length, ROUNDS)
    t.same(
      rounds.filter((round) => !right.includes(round)).map(({ statuses, errors }) => [[...statuses], [...errors]]),
      [],
    )
  },
)

t.test(
  '[R9449-20] two hundred rounds of twenty requests with one DPoP proof at two processes: one is answered, at userinfo and at a push',
  { timeout: 300_000 },
  async (t) => {
    const issuer = await createIssuer()
    t.teardown(() => issuer.close())
    const { uses, pushes } = await playProofRounds(issuer, ROUNDS, PARALLEL)
    t.same([uses.length, pushes.length], [ROUNDS, ROUNDS])
    const wrong = ({ answered, errors }: (typeof uses)[number]): boolean =>
      answered !== 1 || errors.some((error) => !/^40[01] invalid_dpop_proof$/.test(error))
    t.same(uses.filter(wrong), [])
    t.same(pushes.filter(wrong), [])
  },
)
