// Owns what two processes on one database must agree on. The full number of rounds is in two-processes.full.ts.

import t from 'tap'
import { createIssuer, type TestIssuer } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { playProofRounds } from './proof-rounds.ts'
import { obtainCode, playRounds, REDIRECT_URI, redeemAt, userinfoAt } from './redemption-rounds.ts'

const ROUNDS = 10
const PARALLEL = 20

t.test(
  '[OPS-001, OPS-002, OPS-005, ADV-096, ADV-146, ADV-147] of twenty redemptions of one code at two processes one wins, and its tokens are dead',
  async (t) => {
    const issuer = await createIssuer()
    t.teardown(() => issuer.close())
    for (const { statuses, errors, afterwards } of await playRounds(issuer, ROUNDS, PARALLEL)) {
      t.same([...statuses].sort(), [
        [200, 1],
        [400, PARALLEL - 1],
      ])
      t.same([...errors], ['invalid_grant'])
      t.same(afterwards, [401, 401])
    }
  },
)

t.test('[R9449-20] of twenty requests with one DPoP proof at two processes one is answered', async (t) => {
  const issuer = await createIssuer()
  t.teardown(() => issuer.close())
  const { uses, pushes } = await playProofRounds(issuer, 5, PARALLEL)
  for (const round of uses) t.same(round, { answered: 1, errors: ['401 invalid_dpop_proof'] })
  for (const round of pushes) t.same(round, { answered: 1, errors: ['400 invalid_dpop_proof'] })
})

const ready = async (issuer: TestIssuer) => {
  const first = await issuer.start()
  const second = await issuer.start()
  const client = await issuer.client({ client_name: 'App', redirect_uris: [REDIRECT_URI] })
  const subject = await issuer.person('alice')
  const visitor = createVisitor(issuer.issuer)
  return { first, second, client, subject, visitor }
}

t.test(
  '[V21-25, ADV-121, R6819-12] a replay with a wrong secret, verifier or redirect URI kills nothing, and a failed authentication leaves the code redeemable',
  async (t) => {
    const issuer = await createIssuer()
    t.teardown(() => issuer.close())
    const { first, second, client, visitor } = await ready(issuer)
    const issued = await obtainCode(issuer.issuer, visitor, client)
    const wrong = [
      { client_secret: 'wrong' },
      { code_verifier: 'x'.repeat(43) },
      { redirect_uri: 'http://127.0.0.1:9/other' },
    ]
    for (const over of wrong) {
      const refused = await redeemAt(second.origin, issued, over)
      t.ok(refused.status === 400 || refused.status === 401, 'refused before the first use')
    }
    const tokens = (await (await redeemAt(first.origin, issued)).json()) as Record<string, string>
    const token = tokens['access_token'] ?? ''
    t.equal((await userinfoAt(second.origin, token)).status, 200)
    for (const over of wrong) {
      await redeemAt(second.origin, issued, over)
      t.equal(
        (await userinfoAt(first.origin, token)).status,
        200,
        `alive after a replay with ${JSON.stringify(Object.keys(over))}`,
      )
    }
    t.equal((await redeemAt(second.origin, issued)).status, 400)
    t.equal((await userinfoAt(first.origin, token)).status, 401, 'a whole replay kills it, at the other process too')
  },
)

t.test(
  '[OPS-018, OPS-019, ADV-074, ADV-073, OPS-017] disabling the person, ending the session or disabling the client between code and exchange refuses it',
  async (t) => {
    const issuer = await createIssuer()
    t.teardown(() => issuer.close())
    const { second, client, subject, visitor } = await ready(issuer)
    const { stores } = issuer.database
    const occasion = { now: Math.floor(Date.now() / 1000) as never, events: [] }
    const refused = async (change: () => Promise<unknown>, expected: readonly [number, string]): Promise<void> => {
      const issued = await obtainCode(issuer.issuer, visitor, client)
      await change()
      const answer = await redeemAt(second.origin, issued)
      const body = (await answer.json()) as Record<string, string>
      t.same([answer.status, body['error']], expected)
    }
    await refused(async () => {
      const page = await visitor.open(`${issuer.issuer}/sign-out`)
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? ''
      const out = await visitor.open(`${issuer.issuer}/sign-out`, [['csrf', csrf]])
      t.equal(out.status, 200)
    }, [400, 'invalid_grant'])
    const person = subject as never
    await refused(
      () => stores.subjects.changeSubject({ subject: person, status: 'disabled' }, occasion),
      [400, 'invalid_grant'],
    )
    await stores.subjects.changeSubject({ subject: person, status: 'active' }, occasion)
    await refused(async () => {
      const record = await stores.clients.findClient(client.clientId as never)
      if (record === undefined) throw new Error('the client is gone')
      await stores.clients.updateClient({ ...record, disabled: true, version: record.version + 1 }, occasion)
    }, [401, 'invalid_client'])
  },
)
