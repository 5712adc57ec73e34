// Owns the proof of accounts on a real Postgres: who is let in, what is kept, and what nobody can tell from outside.

import { createHash } from 'node:crypto'
import { digest, later, type SessionId, type Subject, sessionId, subject } from '@vouchsafe/core'
import t from 'tap'
import { createPasswordHasher } from '#src/accounts/hashing.js'
import type { NewAccount, Profile } from '#src/accounts/index.js'
import { createPeople } from '#src/accounts/people.js'
import { createSignIn, type SignInDeps } from '#src/accounts/sign-in.js'
import { CHEAP, makeWorld, type World } from './world.js'

const world = await makeWorld()
t.teardown(world.close)

const PASSWORD = 'a good long one'
const NO_WAIT = { free: 1_000_000, baseDelay: 1, maxDelay: 1, forgetAfter: 60 }
let serial = 0

const nextNetwork = (): string => `198.51.${Math.floor(++serial / 250)}.${serial % 250}`

const signUp = async (account: Partial<NewAccount> = {}, into: World = world): Promise<Subject> => {
  const created = await into.accounts.create({
    username: `person-${++serial}`,
    password: PASSWORD,
    profile: {},
    isAdmin: false,
    actor: 'test',
    ...account,
  })
  if (!created.ok) throw new Error(JSON.stringify(created.error))
  return created.value.subject
}

const nameOf = async (who: Subject): Promise<string> => {
  const person = await world.accounts.findPerson({ subject: who })
  if (person === undefined) throw new Error('nobody')
  return person.username
}

const signIn = (username: string, password: string, remoteAddress = nextNetwork(), into: World = world) =>
  into.accounts.verifyPassword({ username, password, remoteAddress })

const startSession = async (who: Subject, name: string): Promise<SessionId> => {
  const sid = sessionId(`${name}-${who}`)
  const session = {
    sid,
    secretDigest: digest(createHash('sha256').update(sid).digest('base64url')),
    subject: who,
    authTime: world.now(),
    amr: ['pwd'],
    acr: undefined,
    startedAt: world.now(),
    idleExpiresAt: later(world.now(), 3600),
    absoluteExpiresAt: later(world.now(), 7200),
    endedAt: undefined,
  }
  await world.stores.sessions.startSession({ session, replaces: [] }, { now: world.now(), events: [] })
  return sid
}

const liveSessions = async (who: Subject): Promise<readonly string[]> =>
  (
    await world.sql<
      { sid: string }[]
    >`select sid from sessions where subject = ${who} and ended_at is null order by sid`
  ).map(({ sid }) => sid)

t.test('[WEB-030] subjects are random: neither their order nor their number can be told', async (t) => {
  const subjects = [await signUp(), await signUp(), await signUp()]
  for (const each of subjects) t.match(each, /^[A-Za-z0-9_-]{22}$/)
  t.equal(new Set(subjects.map((each) => each.slice(0, 8))).size, 3)
  const [record] = await world.sql`select status, version from subjects where subject = ${subjects[0] ?? ''}`
  t.match(record, { status: 'active', version: 1 }, 'the protocol knows the person from the same moment on')
  const events =
    await world.sql`select fields from audit_events where name = 'subject.created' and fields->>'subject' = ${subjects[0] ?? ''}`
  t.equal(events.length, 1)
})

t.test('[ADV-067, WEB-082] a password is kept as argon2id alone, with a salt of its own', async (t) => {
  const [one, two] = [await signUp(), await signUp()]
  const rows = await world.sql<
    { password_hash: string }[]
  >`select password_hash from users where subject in (${one}, ${two})`
  for (const { password_hash } of rows)
    t.match(password_hash, /^\$argon2id\$v=19\$m=7168,p=1,t=1\$|^\$argon2id\$v=19\$m=7168,t=1,p=1\$/)
  t.not(rows[0]?.password_hash, rows[1]?.password_hash, 'the same password, another hash')
  const all = JSON.stringify(
    await world.sql`select to_jsonb(u) as person, (select jsonb_agg(to_jsonb(a)) from audit_events a) as log from users u`,
  )
  t.notOk(all.includes(PASSWORD))
})

t.test('[unit] the right name and password are let in, however the name is spelt', async (t) => {
  const who = await signUp({ username: 'Grüße.Straße' })
  for (const spelling of [
    'Grüße.Straße',
    'grüße.straße',
    'GRÜSSE.STRASSE',
    'Gru\u0308ße.Stra\u00dfe',
    '  grüße.straße ',
  ]) {
    t.match(await signIn(spelling, PASSWORD), { outcome: 'verified', subject: who }, spelling)
  }
  t.equal((await world.accounts.findPerson({ username: 'GRÜẞE.STRASSE' }))?.subject, who)
  const greek = await signUp({ username: 'ΟΔΟΣ' })
  t.match(await signIn('οδος', PASSWORD), { outcome: 'verified', subject: greek })
  t.match(await signIn('οδοσ', PASSWORD), { outcome: 'verified', subject: greek })
})

t.test('[WEB-065] one normal form of a password is hashed, whatever system it was typed on', async (t) => {
  const who = await signUp({ password: 'sch\u00f6ner\u00a0Tag heute' })
  const name = await nameOf(who)
  for (const typed of ['sch\u00f6ner Tag heute', 'scho\u0308ner Tag heute', 'scho\u0308ner\u2003Tag heute']) {
    t.equal((await signIn(name, typed)).outcome, 'verified', encodeURIComponent(typed))
  }
  for (const typed of [
    'Sch\u00f6ner Tag heute',
    'schoner Tag heute',
    'sch\u00f6ner Tag heute ',
    ' sch\u00f6ner Tag heute',
  ]) {
    t.equal((await signIn(name, typed)).outcome, 'refused', encodeURIComponent(typed))
  }
})

t.test('[ADV-131] an empty password never fits, nor does any other where none was set', async (t) => {
  const name = await nameOf(await signUp({ password: undefined }))
  for (const typed of ['', ' ', 'null', 'undefined', PASSWORD])
    t.equal((await signIn(name, typed)).outcome, 'refused', `"${typed}"`)
  t.equal((await signIn(await nameOf(await signUp()), '')).outcome, 'refused')
  t.notOk((await world.accounts.findPerson({ username: name }))?.hasPassword)
})

t.test('[WEB-083] 64 characters and many more fit; above 1024 bytes is refused before it is hashed', async (t) => {
  const long = 'ab cd '
    .repeat(170)
    .slice(0, 1024)
    .replaceAll('ab', (_, at: number) => `${(at * 7919) % 89}`)
  const name = await nameOf(await signUp({ password: long }))
  t.ok(long.length <= 1024 && long.length > 900)
  t.equal((await signIn(name, long)).outcome, 'verified')
  const hasher = await createPasswordHasher(CHEAP)
  let hashed = 0
  const counting = createSignIn({
    ...signInDeps(),
    hasher: {
      ...hasher,
      verify: (hash, password) => {
        hashed++
        return hasher.verify(hash, password)
      },
    },
  })
  const tooLong = ['x'.repeat(1025), 'ü'.repeat(513), 'x'.repeat(5_000_000), 'pass\u0000word']
  for (const password of tooLong) {
    t.equal((await counting({ username: name, password, remoteAddress: nextNetwork() })).outcome, 'refused')
    t.match(
      await world.accounts.create({ username: `p-${++serial}`, password, profile: {}, isAdmin: false, actor: 'test' }),
      {
        ok: false,
        error: { field: 'password' },
      },
    )
  }
  t.equal(hashed, 0)
  const before = await world.accounts.create({
    username: `p-${++serial}`,
    password: 'seven77',
    profile: {},
    isAdmin: false,
    actor: 'test',
  })
  t.match(before, { ok: false, error: { field: 'password', reason: 'tooShort' } })
  t.ok(
    await signUp({ password: 'Über den Wolken ☃ muss die Freiheit wohl grenzenlos sein, sagt man' }),
    'a sentence of 64 characters and more',
  )
})

t.test('[WEB-087] passwords that everybody tries first are not set', async (t) => {
  const refused = [
    'password',
    'Password1!',
    '12345678',
    '87654321',
    'aaaaaaaa',
    'abcabcabc',
    'qwertyuiop',
    'Welcome2024',
    'letmein123',
    'maria.lopez',
    'Maria.Lopez1',
    'maria@shop.example',
  ]
  for (const password of refused) {
    const outcome = await world.accounts.create({
      username: 'maria.lopez',
      password,
      profile: { email: 'maria@shop.example' },
      isAdmin: false,
      actor: 'test',
    })
    t.match(outcome, { ok: false, error: { field: 'password', reason: 'trivial' } }, password)
  }
})

function signInDeps(): SignInDeps & { readonly people: ReturnType<typeof createPeople> } {
  return {
    people: createPeople(world.database),
    hasher: refuseToHash,
    attempts: world.stores.attempts,
    clock: { now: world.now },
    throttle: world.config.throttle,
  }
}

const refuseToHash: SignInDeps['hasher'] = {
  hash: () => Promise.reject(new Error('not asked for here')),
  verify: () => Promise.reject(new Error('not asked for here')),
  decoy: '',
  isOutdated: () => false,
  isFull: () => false,
}

t.test(
  '[WEB-026, ADV-087, WEB-022] a name that nobody has is answered like a wrong password: in words, in work and in time',
  async (t) => {
    const name = await nameOf(await signUp())
    const disabled = await signUp()
    await world.accounts.setStatus({ subject: disabled, status: 'disabled', actor: 'test' })
    const answers = [
      await signIn(name, 'a wrong password'),
      await signIn('nobody-at-all', 'a wrong password'),
      await signIn(await nameOf(await signUp({ password: undefined })), 'a wrong password'),
      await signIn(await nameOf(disabled), PASSWORD),
      await signIn('x'.repeat(1000), 'a wrong password'),
    ]
    for (const { events, ...answer } of answers) {
      t.same(answer, { outcome: 'refused' })
      t.equal(events.length, 1, 'the audit log alone knows why')
    }

    const real = await createPasswordHasher(CHEAP)
    const work: string[] = []
    const noted = <T>(kind: string, done: T): T => {
      work.push(kind)
      return done
    }
    const { people, attempts, ...rest } = signInDeps()
    const counted = createSignIn({
      ...rest,
      hasher: { ...real, verify: (hash, password) => noted(`hash ${hash.split('$')[3]}`, real.verify(hash, password)) },
      people: { ...people, findPassword: (typed) => noted('find', people.findPassword(typed)) },
      attempts: {
        admitAttempt: (keys, now) => noted(`admit ${keys.length}`, attempts.admitAttempt(keys, now)),
        absolveAttempt: (keys) => noted('absolve', attempts.absolveAttempt(keys)),
      },
    })
    const workFor = async (username: string): Promise<readonly string[]> => {
      work.length = 0
      await counted({ username, password: 'a wrong password', remoteAddress: nextNetwork() })
      return [...work]
    }
    const known = await workFor(name)
    t.same(
      known.map((each) => each.split(' ')[0]),
      ['admit', 'find', 'hash'],
    )
    t.same(await workFor('nobody-at-all'), known, 'the same steps, the same cost')

    // In a world without waits, since five hundred failures would otherwise be throttled.
    const patient = createSignIn({
      ...signInDeps(),
      hasher: real,
      throttle: {
        account: { free: 1_000_000, baseDelay: 1, maxDelay: 1, forgetAfter: 60 },
        network: { free: 1_000_000, baseDelay: 1, maxDelay: 1, forgetAfter: 60 },
      },
    })
    const took: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] }
    for (let round = 0; round < 250; round++) {
      // In turns and in changing order, so that a busy moment falls on both.
      const order = round % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)
      for (const which of order) {
        const started = performance.now()
        await patient({
          username: which === 'known' ? name : 'nobody-at-all',
          password: 'a wrong password',
          remoteAddress: '192.0.2.1',
        })
        took[which].push(performance.now() - started)
      }
    }
    const median = (times: readonly number[]): number =>
      times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
    const ratio = median(took.known) / median(took.unknown)
    t.ok(ratio > 0.85 && ratio < 1.18, `medians of 250 each differ by a factor of ${ratio.toFixed(3)}`)
    // How often the one takes longer than the other in a pair: one half when nothing can be told apart.
    const slower = took.known.filter((time, index) => time > (took.unknown[index] ?? 0)).length / 250
    t.ok(slower > 0.3 && slower < 0.7, `slower in ${(slower * 100).toFixed(0)} of 100 pairs`)
  },
)

t.test(
  '[WEB-020, WEB-022, ADV-028] failures for one name make it wait, longer each time, whether it exists or not; then the owner gets in',
  async (t) => {
    const name = await nameOf(await signUp())
    for (const username of [name, `nobody-${++serial}`]) {
      for (let failure = 0; failure < 3; failure++) t.equal((await signIn(username, 'wrong wrong')).outcome, 'refused')
      const first = await signIn(username, 'wrong wrong')
      t.equal(first.outcome, 'refused', 'the first that costs a wait is still answered')
      const waits = await signIn(username, PASSWORD)
      t.match(waits, { outcome: 'throttled', until: later(world.now(), 2) }, 'the right password has to wait, too')
      world.wait(2)
      t.equal((await signIn(username, 'wrong wrong')).outcome, 'refused')
      t.match(
        await signIn(username, 'wrong wrong'),
        { outcome: 'throttled', until: later(world.now(), 4) },
        'twice as long',
      )
      for (let more = 0; more < 10; more++) {
        world.wait(60)
        await signIn(username, 'wrong wrong')
      }
      t.match(
        await signIn(username, 'wrong wrong'),
        { outcome: 'throttled', until: later(world.now(), 60) },
        'never longer than the longest',
      )
      world.wait(60)
    }
    t.equal((await signIn(name, PASSWORD)).outcome, 'verified')
    for (let failure = 0; failure < 3; failure++) t.equal((await signIn(name, 'wrong wrong')).outcome, 'refused')
    t.equal((await signIn(name, PASSWORD)).outcome, 'verified', 'a success forgets the failures before it')
  },
)

t.test('[WEB-021] one network that tries one password on many names has to wait', async (t) => {
  const network = '203.0.113.7'
  for (let name = 0; name < 9; name++)
    t.equal((await signIn(`spray-${name}`, 'Autumn evening', network)).outcome, 'refused')
  t.equal((await signIn('spray-9', 'Autumn evening', network)).outcome, 'throttled')
  t.equal(
    (await signIn('spray-9', 'Autumn evening', '::ffff:203.0.113.7')).outcome,
    'throttled',
    'the same address in other clothes',
  )
  t.equal((await signIn('spray-9', 'Autumn evening', '203.0.113.8')).outcome, 'refused')
  for (let name = 0; name < 9; name++) await signIn(`spray6-${name}`, 'Autumn evening', `2001:db8:0:7::${name + 1}`)
  t.equal(
    (await signIn('spray6-9', 'Autumn evening', '2001:0db8:0000:0007:ffff::1')).outcome,
    'throttled',
    'a /64 counts as one',
  )
  t.equal((await signIn('spray6-9', 'Autumn evening', '2001:db8:0:8::1')).outcome, 'refused')
})

t.test('[WEB-020, OPS-020] parallel failures are all counted', async (t) => {
  const name = await nameOf(await signUp())
  const outcomes = await Promise.all(Array.from({ length: 12 }, () => signIn(name, 'wrong wrong')))
  const refused = outcomes.filter(({ outcome }) => outcome === 'refused').length
  t.equal(refused, 4, 'three are free, the fourth sets the wait')
  t.equal(outcomes.filter(({ outcome }) => outcome === 'throttled').length, 8)
})

t.test('[WEB-025] without the counters nobody is let in', async (t) => {
  const name = await nameOf(await signUp())
  const down = createSignIn({
    ...signInDeps(),
    hasher: await createPasswordHasher(CHEAP),
    attempts: {
      admitAttempt: () => Promise.reject(new Error('the database is away')),
      absolveAttempt: () => Promise.reject(new Error('the database is away')),
    },
  })
  await t.rejects(down({ username: name, password: PASSWORD, remoteAddress: nextNetwork() }), /away/)
})

t.test(
  '[WEB-084, WEB-086] hashing runs a few at a time, lets a few wait, and sends the rest away uncounted',
  async (t) => {
    const narrow = await makeWorld({
      hashing: { ...CHEAP, concurrency: 2, queue: 4 },
      throttle: { account: NO_WAIT, network: NO_WAIT },
    })
    t.teardown(narrow.close)
    await signUp({ username: 'storm' }, narrow)
    const real = await createPasswordHasher({ ...CHEAP, concurrency: 2, queue: 4 })
    const storm = Array.from({ length: 200 }, (_, n) =>
      narrow.accounts.verifyPassword({ username: 'storm', password: PASSWORD, remoteAddress: `198.18.0.${n}` }),
    )
    const outcomes = (await Promise.all(storm)).map(({ outcome }) => outcome)
    t.ok(outcomes.includes('busy'))
    t.notOk(outcomes.includes('refused'))
    const counted = await narrow.sql`select 1 from attempts where failures > 200`
    t.equal(counted.length, 0)
    let running = 0
    let most = 0
    const { boundedQueue } = await import('#src/accounts/hashing.js')
    const queue = boundedQueue({ concurrency: 2, queue: 4 })
    const task = async (): Promise<void> => {
      running++
      most = Math.max(most, running)
      await real.verify(real.decoy, 'x')
      running--
    }
    const ran = await Promise.all(Array.from({ length: 50 }, () => queue.run(task)))
    t.equal(most, 2, 'memory is bounded by what runs at once')
    t.equal(ran.filter((outcome) => outcome === 'busy').length, 44, 'two run, four wait, the rest are told at once')
    await Promise.all(Array.from({ length: 6 }, () => queue.run(task)))
    t.equal(most, 2, 'turns are handed on, not lost')
    const failing = await Promise.allSettled(
      Array.from({ length: 6 }, () => queue.run(() => Promise.reject(new Error('x')))),
    )
    t.ok(failing.every(({ status }) => status === 'rejected'))
    t.notOk(queue.isFull(), 'a failure gives its turn back')
  },
)

t.test('[WEB-085] a hash of lower cost still verifies and is raised at the next sign-in', async (t) => {
  const who = await signUp()
  const name = await nameOf(who)
  const hashOf = async (): Promise<string> =>
    (await world.sql<{ password_hash: string }[]>`select password_hash from users where subject = ${who}`)[0]
      ?.password_hash ?? ''
  const before = await hashOf()
  const dearer = createSignIn({ ...signInDeps(), hasher: await createPasswordHasher({ ...CHEAP, passes: 2 }) })
  const attempt = { username: name, password: PASSWORD, remoteAddress: nextNetwork() }
  t.equal((await dearer({ ...attempt, password: 'wrong wrong' })).outcome, 'refused')
  t.equal(await hashOf(), before, 'a failure raises nothing')
  t.equal((await dearer(attempt)).outcome, 'verified')
  const raised = await hashOf()
  t.match(raised, /t=2/)
  t.equal((await dearer(attempt)).outcome, 'verified')
  t.equal(await hashOf(), raised, 'once is enough')
})

t.test('[WEB-012] a new password ends the other sessions and the old password', async (t) => {
  const who = await signUp()
  const name = await nameOf(who)
  const [kept] = [await startSession(who, 'a'), await startSession(who, 'b'), await startSession(who, 'c')]
  const bystander = await startSession(await signUp(), 'other')
  const changed = await world.accounts.setPassword({
    subject: who,
    password: 'another good one',
    except: kept,
    actor: 'test',
  })
  t.ok(changed.ok)
  t.same(await liveSessions(who), [kept])
  t.equal(
    (await world.sql`select 1 from sessions where sid = ${bystander} and ended_at is null`).length,
    1,
    'nobody else is signed out',
  )
  t.equal((await signIn(name, PASSWORD)).outcome, 'refused')
  t.equal((await signIn(name, 'another good one')).outcome, 'verified')
  t.match(await world.accounts.setPassword({ subject: who, password: 'short', except: undefined, actor: 'test' }), {
    ok: false,
    error: { reason: 'tooShort' },
  })
  t.match(
    await world.accounts.setPassword({
      subject: subject('nobody'),
      password: 'another good one',
      except: undefined,
      actor: 'test',
    }),
    { ok: false, error: { field: 'subject' } },
  )
  t.same(await liveSessions(who), [kept], 'a refused change ends nothing')
  const events =
    await world.sql`select 1 from audit_events where name = 'subject.password_changed' and fields->>'subject' = ${who}`
  t.equal(events.length, 1)
})

t.test('[WEB-015] who is disabled cannot sign in and has no session left', async (t) => {
  const who = await signUp()
  const name = await nameOf(who)
  await startSession(who, 'a')
  t.equal(await world.accounts.setStatus({ subject: who, status: 'disabled', actor: 'test' }), 'changed')
  t.same(await liveSessions(who), [])
  const refused = await signIn(name, PASSWORD)
  t.equal(refused.outcome, 'refused')
  t.match(refused.events[0], { name: 'sign_in.failed', fields: { reason: 'disabled' } })
  t.equal((await world.accounts.findPerson({ subject: who }))?.status, 'disabled')
  await world.accounts.setStatus({ subject: who, status: 'active', actor: 'test' })
  t.equal((await signIn(name, PASSWORD)).outcome, 'verified')
  t.equal(await world.accounts.setStatus({ subject: subject('nobody'), status: 'disabled', actor: 'test' }), 'unknown')
})

t.test('[OPS-021] of two who take one name, or one verified address, in the same moment, one has it', async (t) => {
  const create = (username: string, email: string, verified = true) =>
    world.accounts.create({
      username,
      password: PASSWORD,
      profile: { email, emailVerified: verified },
      isAdmin: false,
      actor: 'test',
    })
  const names = await Promise.all(
    ['Twin', 'twin', 'ＴＷＩＮ', 'tWin'].map((name, n) => create(name, `t${n}@x.example`)),
  )
  t.equal(names.filter(({ ok }) => ok).length, 1)
  for (const refused of names.filter(({ ok }) => !ok))
    t.same(refused, { ok: false, error: { field: 'username', reason: 'taken' } })
  const addresses = await Promise.all(['m1', 'm2', 'm3'].map((name) => create(name, 'Same@X.example')))
  t.equal(addresses.filter(({ ok }) => ok).length, 1)
  t.ok(addresses.some((each) => !each.ok && each.error.field === 'email' && each.error.reason === 'taken'))
  t.ok((await create('m4', 'same@x.example', false)).ok, 'an address that nobody has shown to be his proves nothing')
  const strays =
    await world.sql`select 1 from subjects s where not exists (select from users u where u.subject = s.subject)`
  t.equal(strays.length, 0, 'who loses leaves no half of a person')
})

t.test(
  '[CONF-A9] claims have their shapes: what is unknown is absent, the address is an object, what is verified is true or false',
  async (t) => {
    const bare = await world.accounts.find(await signUp({ username: 'bare' }))
    t.same(bare?.claims, { preferred_username: 'bare', updated_at: world.now() })
    const profile: Partial<Profile> = {
      name: ' Ada Lovelace ',
      givenName: 'Ada',
      familyName: 'Lovelace',
      middleName: '   ',
      nickname: '',
      website: 'https://ada.example/',
      email: 'ada@ada.example',
      emailVerified: true,
      birthdate: '1815-12-10',
      zoneinfo: 'Europe/London',
      locale: 'en-GB',
      phoneNumber: '+44 20 7946 0000',
      streetAddress: '12 St James’s Square\nLondon',
      country: 'UK',
      groups: ['engines', 'analysts', 'engines'],
    }
    const full = await world.accounts.find(await signUp({ username: 'ada', profile }))
    t.same(full?.claims, {
      name: 'Ada Lovelace',
      given_name: 'Ada',
      family_name: 'Lovelace',
      preferred_username: 'ada',
      website: 'https://ada.example/',
      email: 'ada@ada.example',
      email_verified: true,
      birthdate: '1815-12-10',
      zoneinfo: 'Europe/London',
      locale: 'en-GB',
      phone_number: '+44 20 7946 0000',
      phone_number_verified: false,
      address: { street_address: '12 St James’s Square\nLondon', country: 'UK' },
      groups: ['analysts', 'engines'],
      updated_at: world.now(),
    })
    const composed = await world.accounts.find(await signUp({ profile: { givenName: 'Grace', familyName: 'Hopper' } }))
    t.equal(composed?.claims['name'], 'Grace Hopper')
    t.equal(await world.accounts.find(subject('nobody')), undefined)
  },
)

t.test('[WEB-061] what is too long or malformed is refused by field, before the database sees it', async (t) => {
  const refused: readonly (readonly [Partial<NewAccount>, string, string])[] = [
    [{ username: '' }, 'username', 'malformed'],
    [{ username: 'a b' }, 'username', 'malformed'],
    [{ username: 'a\u200bb' }, 'username', 'malformed'],
    [{ username: '<script>' }, 'username', 'malformed'],
    [{ username: 'x'.repeat(65) }, 'username', 'tooLong'],
    [{ profile: { name: 'n'.repeat(201) } }, 'name', 'tooLong'],
    [{ profile: { name: 'a\nb' } }, 'name', 'unsafeCharacter'],
    [{ profile: { name: 'a\u202eb' } }, 'name', 'unsafeCharacter'],
    [{ profile: { email: 'x' } }, 'email', 'tooShort'],
    [{ profile: { email: 'no-at.example' } }, 'email', 'malformed'],
    [{ profile: { email: 'a@b@c d.example' } }, 'email', 'malformed'],
    [{ profile: { email: `${'a'.repeat(250)}@x.example` } }, 'email', 'tooLong'],
    [{ profile: { email: 'a@x.example\r\nBcc: b@y.example' } }, 'email', 'unsafeCharacter'],
    [{ profile: { picture: 'javascript:alert(1)' } }, 'picture', 'malformed'],
    [{ profile: { website: 'http://plain.example' } }, 'website', 'malformed'],
    [{ profile: { birthdate: '2023-02-29' } }, 'birthdate', 'malformed'],
    [{ profile: { birthdate: '1.1.1990' } }, 'birthdate', 'malformed'],
    [{ profile: { locale: 'e n' } }, 'locale', 'malformed'],
    [{ profile: { zoneinfo: '../etc' } }, 'zoneinfo', 'malformed'],
    [{ profile: { phoneNumber: 'call me' } }, 'phoneNumber', 'malformed'],
    [{ profile: { groups: Array.from({ length: 1001 }, (_, n) => `g${n}`) } }, 'groups', 'tooMany'],
    [{ profile: { groups: [' '] } }, 'groups', 'tooShort'],
    [{ profile: { groups: ['g'.repeat(256)] } }, 'groups', 'tooLong'],
  ]
  for (const [account, field, reason] of refused) {
    const outcome = await world.accounts.create({
      username: `p-${++serial}`,
      password: PASSWORD,
      profile: {},
      isAdmin: false,
      actor: 'test',
      ...account,
    })
    t.match(outcome, { ok: false, error: { field, reason } }, `${field} ${reason}`)
  }
  const most: Partial<Profile> = {
    name: '𝒩'.repeat(200),
    email: `${'a'.repeat(64)}@${'b.'.repeat(94)}b`,
    birthdate: '0000-02-29',
    groups: Array.from({ length: 1000 }, (_, n) => `${n}`.padStart(255, 'g')),
  }
  t.ok(await signUp({ username: 'ﬃ'.repeat(64), profile: most }), 'what the rules allow, the table takes')
  t.ok(await signUp({ username: 'ŉ'.repeat(64) }))
})

t.test('[WEB-066, WEB-067] long hostile input costs next to nothing', async (t) => {
  const hostile = [
    'a'.repeat(100_000),
    `${'a@'.repeat(50_000)}`,
    `a@${'a.'.repeat(50_000)}`,
    'ﷺ'.repeat(30_000),
    '\u0301'.repeat(100_000),
  ]
  for (const [index, text] of hostile.entries()) {
    const before = process.cpuUsage()
    await world.accounts.create({ username: text, password: undefined, profile: {}, isAdmin: false, actor: 'test' })
    await world.accounts.create({
      username: 'x',
      password: text,
      profile: { email: text, phoneNumber: text, locale: text, picture: text },
      isAdmin: false,
      actor: 'test',
    })
    const { user } = process.cpuUsage(before)
    t.ok(user < 40_000, `input ${index} took ${user} µs`)
  }
})

t.test('[unit] people are listed by pages in the order of their names', async (t) => {
  const seen: string[] = []
  let after: string | undefined
  do {
    const page = await world.accounts.listPeople({ after, limit: 7 })
    t.ok(page.items.length <= 7)
    seen.push(...page.items.map(({ username }) => username))
    after = page.next
  } while (after !== undefined)
  const [row] = await world.sql<{ count: number }[]>`select count(*)::integer as count from users`
  t.equal(seen.length, row?.count)
  t.equal(new Set(seen).size, seen.length)
})
