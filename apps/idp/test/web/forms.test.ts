// Owns the forms of the running server, as somebody who forges them meets them. The pages' looks are in test/views.

import t, { type Test } from 'tap'
import { createIssuer, PASSWORD } from '../support/idp.ts'
import { createVisitor, type Visitor } from '../support/person.ts'
import {
  ask,
  codeRequest,
  cookieHeader,
  FORM,
  type FormPage,
  formBody,
  openForm,
  REDIRECT_URI,
  setUpLinkOf,
  stateOf,
} from './wire.ts'

const issuer = await createIssuer()
const node = await issuer.start()
const AFTER = 'http://127.0.0.1:9/signed-out'
const client = await issuer.client({
  client_name: 'App',
  redirect_uris: [REDIRECT_URI],
  post_logout_redirect_uris: [AFTER],
})
t.teardown(() => issuer.close())

const setUpLink = await setUpLinkOf(node)
const ADMIN = {
  username: 'root-person',
  displayName: 'Root Person',
  email: 'root@example.org',
  password: PASSWORD,
  passwordRepeat: PASSWORD,
}

/** A page with a form, in the browser that opened it, with everything filled in as its owner would. */
interface Filled {
  readonly name: string
  readonly visitor: Visitor
  readonly page: FormPage
  readonly fields: ReadonlyMap<string, string>
}

const fill = (name: string, visitor: Visitor, page: FormPage, typed: Readonly<Record<string, string>>): Filled => ({
  name,
  visitor,
  page,
  fields: new Map([...page.fields, ...Object.entries(typed)]),
})

const ALICE = { username: 'alice', password: PASSWORD }

const signedIn = async (): Promise<Visitor> => {
  const visitor = createVisitor(issuer.issuer)
  await visitor.signIn(`${issuer.issuer}/sign-in`, ALICE)
  return visitor
}

const filledSetUp = async (): Promise<Filled> => {
  const visitor = createVisitor(issuer.issuer)
  return fill('set-up', visitor, await openForm(visitor, setUpLink), ADMIN)
}

/** Each form that a person can meet, freshly opened. */
const filledForms = async (): Promise<readonly Filled[]> => {
  const [stranger, atApp] = [createVisitor(issuer.issuer), createVisitor(issuer.issuer)]
  const [chooser, consenter] = [await signedIn(), await signedIn()]
  const [leaver, asked] = [await signedIn(), await signedIn()]
  const { url } = codeRequest(issuer.issuer, client.clientId)
  const choose = await openForm(chooser, codeRequest(issuer.issuer, client.clientId, { prompt: 'select_account' }).url)
  const endSession = `${issuer.issuer}/end_session?client_id=${client.clientId}&post_logout_redirect_uri=${encodeURIComponent(AFTER)}`
  const account = /name="account" value="([^"]+)"/.exec(choose.body)?.[1] ?? ''
  return [
    fill('own sign-in', stranger, await openForm(stranger, `${issuer.issuer}/sign-in`), ALICE),
    fill('sign-in for an app', atApp, await openForm(atApp, url), ALICE),
    fill('choice of account', chooser, choose, { account }),
    fill('consent', consenter, await openForm(consenter, url), { action: 'allow' }),
    fill('sign-out', leaver, await openForm(leaver, `${issuer.issuer}/sign-out`), {}),
    fill('sign-out for an app', asked, await openForm(asked, endSession), { action: 'sign-out' }),
  ]
}

const post = (form: Filled, over: Readonly<Record<string, string | undefined>>, headers = {}, cookies?: string) => {
  const fields = new Map(form.fields)
  for (const [name, value] of Object.entries(over)) {
    if (value === undefined) fields.delete(name)
    else fields.set(name, value)
  }
  return ask(node.origin, {
    method: 'POST',
    path: new URL(form.page.action).pathname,
    headers: { cookie: cookies ?? cookieHeader(form.visitor), 'content-type': FORM, ...headers },
    body: formBody(fields),
  })
}

/** Everything that a forger can try at a form, each refused without a trace; then its owner is served all the same. */
const withstandForgery = async (t: Test, form: Filled, alien: string): Promise<void> => {
  const before = await stateOf(issuer)
  const tokens = {
    none: undefined,
    empty: '',
    random: 'A'.repeat(43),
    'of another form in the same browser': alien,
    'longer by a letter': `${form.fields.get('csrf')}A`,
  }
  t.ok(form.fields.get('csrf'), `${form.name} has a token`)
  for (const [what, csrf] of Object.entries(tokens)) {
    const answer = await post(form, { csrf })
    t.equal(answer.status, 403, `${form.name}, token ${what}: 403`)
    t.same(answer.cookies, [], `${form.name}, token ${what}: no cookie is set`)
  }
  const elsewhere = {
    'Sec-Fetch-Site: cross-site': { 'sec-fetch-site': 'cross-site' },
    'Sec-Fetch-Site: same-site': { 'sec-fetch-site': 'same-site' },
    'a foreign Origin': { origin: 'https://evil.example' },
    'the same host on another port as Origin': { origin: 'http://localhost:1' },
  }
  for (const [what, headers] of Object.entries(elsewhere)) {
    const answer = await post(form, {}, headers)
    t.equal(answer.status, 403, `${form.name}, right token, ${what}: 403`)
    t.same(answer.cookies, [], `${form.name}, right token, ${what}: no cookie is set`)
  }
  const without = await post(form, {}, {}, '')
  t.equal(without.status, 403, `${form.name}, right token in a browser without its cookie: 403`)
  t.same(without.cookies, [], `${form.name}, no cookie: none is set`)
  for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const { pathname } = new URL(form.page.action)
    const path = `${pathname}?${formBody(form.fields)}`
    const answer = await ask(node.origin, { method, path, headers: { cookie: cookieHeader(form.visitor) } })
    // A form is sent to the address of its page.
    const shows = /^(?:GET|HEAD)$/.test(method)
    t.ok(
      shows ? answer.status === 200 : [404, 405].includes(answer.status),
      `${form.name} by ${method}: ${answer.status}`,
    )
  }
  t.equal(await stateOf(issuer), before, `${form.name}: nothing changed`)
}

t.test(
  '[WEB-001, WEB-002, WEB-003, WEB-006, ADV-013, ADV-014, WEB-088] the set-up form withstands forgery, and its link works unaltered and once',
  async (t) => {
    const form = await filledSetUp()
    const { fields } = await openForm(form.visitor, `${issuer.issuer}/sign-in`)
    await withstandForgery(t, form, fields.get('csrf') ?? '')
    const token = setUpLink.split('/').at(-1) ?? ''
    const before = await stateOf(issuer)
    const altered = [
      `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`,
      token.slice(1),
      `${token}A`,
      token.toLowerCase(),
    ]
    for (const other of [...altered, `%20${token}`, `${token}%00`, `${token}/`]) {
      const path = `/set-up/${other}`
      const headers = { cookie: cookieHeader(form.visitor), 'content-type': FORM }
      const shown = await ask(node.origin, { path, headers })
      t.ok([404, 410].includes(shown.status), `an altered link shows nothing (${shown.status})`)
      const posted = await ask(node.origin, { method: 'POST', path, headers, body: formBody(form.fields) })
      t.ok([404, 410].includes(posted.status), `an altered link makes nobody (${posted.status})`)
    }
    t.equal(await stateOf(issuer), before, 'nothing changed')
    t.equal((await post(form, {})).status, 200, 'its owner becomes the administrator')
    const after = await stateOf(issuer)
    t.equal((await post(form, { username: 'second', email: 'second@example.org' })).status, 410, 'not twice')
    t.equal((await ask(node.origin, { path: `/set-up/${token}` })).status, 410, 'and the page is gone')
    t.equal(await stateOf(issuer), after, 'the second use changed nothing')
  },
)

t.test(
  '[WEB-001, WEB-002, WEB-003, WEB-005, WEB-006, R9700-35, R6819-21] every form refuses what its own page in this browser did not send, and changes nothing by GET',
  async (t) => {
    await issuer.person('alice')
    const forms = await filledForms()
    for (const form of forms) {
      const other = form.name.startsWith('sign-out') ? 'sign-in' : 'sign-out'
      const own = await form.visitor.open(`${issuer.issuer}/${other}`)
      const alien = /name="csrf" value="([^"]+)"/.exec(own.body)?.[1] ?? ''
      await withstandForgery(t, form, alien)
    }
    for (const form of forms) {
      const served = await post(form, {}, { 'sec-fetch-site': 'same-origin' })
      t.equal(served.status, 303, `${form.name}: its owner is served`)
    }
  },
)

t.test(
  '[WEB-008, V21-23] a session or browser that somebody else chose is never taken over, and cookies hold no token',
  async (t) => {
    const chosen = 'C'.repeat(43)
    const visitor = createVisitor(issuer.issuer)
    const page = await openForm(visitor, `${issuer.issuer}/sign-in`)
    const names = [...visitor.cookies.keys()]
    const session = [...(await signedIn()).cookies.keys()].find((name) => !names.includes(name)) ?? ''
    t.not(session, '', 'there is a session cookie')
    const cookie = `${cookieHeader(visitor)}; ${session}=${chosen}; __Host-${session}=${chosen}`
    const answer = await ask(node.origin, {
      method: 'POST',
      path: '/sign-in',
      headers: { cookie, 'content-type': FORM },
      body: formBody(new Map([...page.fields, ...Object.entries(ALICE)])),
    })
    t.equal(answer.status, 303)
    const set = answer.cookies.find((line) => line.startsWith(`${session}=`)) ?? ''
    t.match(set, /=[\w-]{43};/)
    t.notMatch(answer.cookies.join(), chosen, 'the new session has a name of its own')
    const home = await ask(node.origin, { path: '/', headers: { cookie: `${session}=${chosen}` } })
    t.notMatch(home.body, 'Alice Example', 'and the chosen one is nobody')
  },
)

const ELSEWHERE = [
  'https://evil.example/',
  '//evil.example/',
  '/\\evil.example',
  '\\\\evil.example',
  '/%09/evil.example',
  '/\t/evil.example',
  '/%0d%0aLocation:%20https://evil.example',
  'javascript:alert(1)//evil.example',
  'https:evil.example',
  'http://localhost.evil.example/',
  'http://localhost@evil.example/',
]
const NAMES = [
  'return_to',
  'next',
  'continue',
  'redirect',
  'redirect_to',
  'redirect_uri',
  'post_logout_redirect_uri',
  'url',
  'target',
  'goto',
  'iss',
  'client_id',
]

t.test(
  '[WEB-031, ADV-122, ADV-109, ADV-071, R9700-03] no address that a request names is ever gone to, before or after signing in or out',
  async (t) => {
    const paths = [
      '/',
      '/sign-in',
      '/sign-out',
      '/signed-out',
      '/end_session',
      '/authorize',
      '/token',
      '/userinfo',
      '/jwks',
      '/set-up/x',
      '/interaction/x',
      '/.well-known/openid-configuration',
      '/healthz',
    ]
    for (const target of ELSEWHERE) {
      const query = new URLSearchParams(NAMES.map((name): [string, string] => [name, target])).toString()
      for (const path of paths) {
        const answer = await ask(node.origin, { path: `${path}?${query}` })
        t.equal(answer.headers.get('location'), undefined, `${path} with ${JSON.stringify(target)} leads nowhere`)
        t.notMatch(answer.body, /evil/, 'and does not repeat it')
      }
      const visitor = createVisitor(issuer.issuer)
      const extra = NAMES.map((name) => [name, target] as const)
      const signIn = await openForm(visitor, `${issuer.issuer}/sign-in?${query}`)
      const away = await visitor.request(
        `${signIn.action}?${query}`,
        new Map([...signIn.fields, ...extra, ...Object.entries(ALICE)]),
      )
      t.same([away.status, away.headers.get('location')], [303, '/'], 'after signing in: the front page')
      const signOut = await openForm(visitor, `${issuer.issuer}/sign-out?${query}`)
      const out = await visitor.request(`${signOut.action}?${query}`, [...signOut.fields, ...extra])
      t.same([out.status, out.headers.get('location')], [303, '/signed-out'], 'after signing out: the own page')
    }
    for (const path of [
      '//evil.example',
      '/\\evil.example',
      '//evil.example/..',
      '/sign-in//evil.example',
      '//sign-in/',
      'http://evil.example/',
    ]) {
      const answer = await ask(node.origin, { path })
      t.equal(answer.headers.get('location'), undefined, `${path} is not tidied up by a redirect`)
    }
  },
)
