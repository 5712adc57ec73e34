// Owns the proof of the first administrator's link on a real Postgres.

import { reveal } from '@vouchsafe/core'
import t from 'tap'
import { firstAdministratorUrl } from '#src/accounts/index.js'
import { makeWorld } from './world.js'

const ACCOUNT = { username: 'admin-one', password: 'a good long one', profile: {} }

t.test(
  '[WEB-091] a new server has no account, and the link that makes the first administrator works once',
  async (t) => {
    const world = await makeWorld()
    t.teardown(world.close)
    t.equal((await world.accounts.listPeople({ after: undefined, limit: 9 })).items.length, 0, 'no default account')
    const link = await world.accounts.issueFirstAdministratorLink()
    if (link === undefined) throw new Error('no link')
    const token = reveal(link.token)
    t.match(token, /^[A-Za-z0-9_-]{43}$/, '256 bits')
    t.equal(firstAdministratorUrl('https://id.example.org/x', link), `https://id.example.org/x/set-up/${token}`)
    t.equal(`${link.token}`, '[secret]')
    const kept = JSON.stringify(await world.sql`select encode(digest, 'base64') as digest, purpose from setup_links`)
    t.notOk(kept.includes(token.slice(0, 20)), 'only its digest is kept')

    t.notOk(await world.accounts.isFirstAdministratorLink('x'.repeat(43)))
    t.notOk(await world.accounts.isFirstAdministratorLink(''))
    t.match(await world.accounts.createFirstAdministrator('x'.repeat(43), ACCOUNT), {
      ok: false,
      error: { reason: 'refused' },
    })
    t.match(await world.accounts.createFirstAdministrator(token, { ...ACCOUNT, password: 'short' }), {
      ok: false,
      error: { reason: 'tooShort' },
    })
    t.ok(await world.accounts.isFirstAdministratorLink(token), 'a mistake at the form does not use it up')

    const second = await world.accounts.issueFirstAdministratorLink()
    const tries = Array.from({ length: 8 }, (_, n) =>
      world.accounts.createFirstAdministrator(n % 2 === 0 || second === undefined ? token : reveal(second.token), {
        ...ACCOUNT,
        username: `admin-${n}`,
      }),
    )
    const outcomes = await Promise.all(tries)
    t.equal(outcomes.filter(({ ok }) => ok).length, 1, 'of many at once, and by two links, one gets in')
    for (const outcome of outcomes) if (!outcome.ok) t.same(outcome.error, { field: undefined, reason: 'refused' })
    const people = (await world.accounts.listPeople({ after: undefined, limit: 9 })).items
    t.equal(people.length, 1)
    t.match(people[0], { isAdmin: true, status: 'active' })
    t.notOk(await world.accounts.isFirstAdministratorLink(token))
    t.equal(await world.accounts.issueFirstAdministratorLink(), undefined, 'later starts print none')
  },
)

t.test('[WEB-091, WEB-088] a link ends after a day, and when an administrator was made in another way', async (t) => {
  const world = await makeWorld()
  t.teardown(world.close)
  const link = await world.accounts.issueFirstAdministratorLink()
  if (link === undefined) throw new Error('no link')
  t.equal(link.expiresAt, world.now() + 24 * 60 * 60)
  world.wait(24 * 60 * 60 - 1)
  t.ok(await world.accounts.isFirstAdministratorLink(reveal(link.token)))
  world.wait(1)
  t.notOk(await world.accounts.isFirstAdministratorLink(reveal(link.token)))
  t.match(await world.accounts.createFirstAdministrator(reveal(link.token), ACCOUNT), {
    ok: false,
    error: { reason: 'refused' },
  })
  const fresh = await world.accounts.issueFirstAdministratorLink()
  if (fresh === undefined) throw new Error('no link')
  t.equal((await world.sql`select 1 from setup_links`).length, 1, 'what expired is swept')
  await world.accounts.create({ ...ACCOUNT, username: 'reader', isAdmin: false, actor: 'cli' })
  t.ok(
    await world.accounts.isFirstAdministratorLink(reveal(fresh.token)),
    'an ordinary person made meanwhile does not close it',
  )
  await world.accounts.create({ ...ACCOUNT, isAdmin: true, actor: 'cli' })
  t.notOk(await world.accounts.isFirstAdministratorLink(reveal(fresh.token)))
  t.match(await world.accounts.createFirstAdministrator(reveal(fresh.token), { ...ACCOUNT, username: 'other' }), {
    ok: false,
    error: { reason: 'refused' },
  })
})
