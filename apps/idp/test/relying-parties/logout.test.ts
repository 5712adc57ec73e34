// Owns signing out of relying parties that others wrote: openid-client builds the address, a person follows it.

import * as client from 'openid-client'
import t from 'tap'
import { ALICE } from '../support/idp.ts'
import { createVisitor, formOf, type Visitor } from '../support/person.ts'
import { prepare, register, signIn } from './openid-client.ts'
import { openWorld } from './world.ts'

const world = await openWorld(t)
const { issuer } = world

const AFTER = 'http://127.0.0.1:9/signed-out'

const isSignedIn = async (visitor: Visitor): Promise<boolean> =>
  (await visitor.open(`${issuer}/`)).body.includes(ALICE.name)

t.test(
  '[OUT-01, OUT-04, OUT-08, CONF-F-oidcc-rp-initiated-logout] a client signs its person out by GET and by POST, and has the person and the state back',
  async (t) => {
    const config = await register(world, { post_logout_redirect_uris: [AFTER] })
    for (const method of ['GET', 'POST'] as const) {
      const visitor = createVisitor(issuer)
      const tokens = await signIn(config, visitor)
      t.ok(await isSignedIn(visitor))
      const state = client.randomState()
      const url = client.buildEndSessionUrl(config, {
        id_token_hint: tokens.id_token ?? '',
        post_logout_redirect_uri: AFTER,
        state,
      })
      const bare = new URL(url)
      bare.search = ''
      const arrival =
        method === 'GET' ? await visitor.open(url.href) : await visitor.open(bare.href, [...url.searchParams])
      t.equal(arrival.url, `${AFTER}?state=${state}`, method)
      t.notOk(await isSignedIn(visitor), method)
      const { url: silent } = await prepare(config, { prompt: 'none' })
      t.match((await visitor.open(silent)).url, 'error=login_required', method)
    }
  },
)

t.test('[OUT-01] a form that another site posts is answered as if it had come with the cookies', async (t) => {
  const config = await register(world, { post_logout_redirect_uris: [AFTER] })
  const visitor = createVisitor(issuer)
  const tokens = await signIn(config, visitor)
  const fields = [
    ['id_token_hint', tokens.id_token ?? ''],
    ['post_logout_redirect_uri', AFTER],
  ] as const
  const posted = await visitor.request(`${issuer}/end_session`, fields, 'http://127.0.0.1:9/')
  t.equal(posted.status, 303)
  t.ok(await isSignedIn(visitor), 'the post alone, without cookies, ends nothing')
  t.equal((await visitor.open(posted.headers.get('location') ?? '')).url, AFTER)
  t.notOk(await isSignedIn(visitor))
})

t.test('[OUT-11, WEB-039] a person who is asked reads who would be signed out, and may stay or go', async (t) => {
  const config = await register(world, { client_name: 'Wiki', post_logout_redirect_uris: [AFTER] })
  const visitor = createVisitor(issuer)
  await signIn(config, visitor)
  const { client_id } = config.clientMetadata()
  const question = await visitor.open(`${issuer}/end_session?client_id=${client_id}&post_logout_redirect_uri=${AFTER}`)
  t.match(question.body, 'Sign out?')
  t.match(question.body, ALICE.name)
  t.match(question.body, 'Wiki')
  t.match(question.body, 'href="/"', 'the way to stay')
  t.ok(await isSignedIn(visitor))
  const form = formOf(question.body)
  form.fields.set('action', 'sign-out')
  const answer = await visitor.request(new URL(form.action, issuer).href, form.fields)
  t.same([answer.status, answer.headers.get('location')], [303, AFTER])
  t.equal(answer.headers.get('clear-site-data'), '"cache"')
  t.notOk(await isSignedIn(visitor))
  const done = await visitor.open(`${issuer}/end_session`)
  t.match(done.body, 'You are signed out')
})

t.test(
  '[OUT-06, ADV-071] an address that is not registered leaves the person here, with a way to sign out',
  async (t) => {
    const config = await register(world)
    const visitor = createVisitor(issuer)
    const tokens = await signIn(config, visitor)
    const url = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'https://evil.example/',
    })
    const arrival = await visitor.open(url.href)
    t.equal(arrival.status, 400)
    t.match(arrival.body, 'href="/sign-out"')
    t.notMatch(arrival.body, 'evil')
    t.ok(await isSignedIn(visitor))
  },
)
