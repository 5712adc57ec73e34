// Owns the proof of what doors write: cookies, security headers, pages. The web door stands for both; they share the writer.

import type { Cookie, ErrorPage, PresentedInteraction, Reply } from '@vouchsafe/core'
import t from 'tap'
import { setCookie } from '#src/cookies.js'
import { createWebDoor, type WebDoorOptions } from '#src/web.js'
import { JSON_REPLY, told, verified } from './fixtures.js'

const ISSUER = 'https://op.example'
const PEER: Pick<WebDoorOptions, 'peer'> = { peer: () => ({ remoteAddress: '192.0.2.7' }) }

const COOKIES: readonly Cookie[] = [
  { name: '__Host-vouchsafe_browser', value: 'abc.DEF-1_2', maxAge: undefined },
  { name: '__Host-vouchsafe_session', value: 'xyz', maxAge: 3600 },
]

const errorPage = (over: Partial<ErrorPage> = {}): Reply => ({
  kind: 'page',
  status: 400,
  page: { problem: 'unknownClient', reference: 'ABC123', detail: 'no such client', client: undefined, ...over },
  headers: new Map([['Cache-Control', 'no-store']]),
  cookies: COOKIES,
})

const formPost = (over: Partial<Extract<Reply, { kind: 'formPost' }>> = {}): Reply => ({
  kind: 'formPost',
  action: verified('https://rp.example/callback?tenant=a'),
  parameters: [
    ['code', 'c0de'],
    ['state', '"><script>alert(1)</script>'],
  ],
  cookies: COOKIES,
  ...over,
})

const interaction: PresentedInteraction = {
  id: 'inter/action 1',
} as PresentedInteraction

const REPLIES: readonly Reply[] = [
  JSON_REPLY,
  errorPage(),
  formPost(),
  { kind: 'redirect', location: 'https://rp.example/callback?code=1', cookies: COOKIES },
  { kind: 'interact', interaction, cookies: COOKIES },
  { kind: 'resume', interactionId: 'i1', cookies: COOKIES },
  { kind: 'empty', status: 204, headers: new Map() },
]

const answer = (reply: Reply, over: Partial<WebDoorOptions> = {}, issuer = ISSUER): Response =>
  createWebDoor(told(issuer), { ...PEER, ...over }).toResponse(reply)

const directives = (response: Response): ReadonlyMap<string, string> =>
  new Map(
    (response.headers.get('content-security-policy') ?? '').split('; ').map((directive) => {
      const [name = '', ...sources] = directive.split(' ')
      return [name, sources.join(' ')]
    }),
  )

t.test(
  '[WEB-038, WEB-034, R9700-46, R9700-25] every answer carries the security headers, and none names the server',
  (t) => {
    for (const reply of REPLIES) {
      const { headers } = answer(reply)
      t.equal(headers.get('x-content-type-options'), 'nosniff', reply.kind)
      t.equal(headers.get('referrer-policy'), 'no-referrer', reply.kind)
      t.match(headers.get('permissions-policy'), /geolocation=\(\)/, reply.kind)
      t.equal(headers.get('x-frame-options'), 'DENY', reply.kind)
      t.match(headers.get('content-security-policy'), /frame-ancestors 'none'/, reply.kind)
      t.match(headers.get('strict-transport-security'), /max-age=\d{8}/, reply.kind)
      t.equal(headers.get('server'), null)
      t.equal(headers.get('x-powered-by'), null)
      t.equal(
        answer(reply, {}, 'http://localhost:3000').headers.get('strict-transport-security'),
        null,
        'not over http',
      )
    }
    t.end()
  },
)

t.test('[WEB-039, OIDC-15] pages and redirects are kept by no cache, and the own cache headers of JSON stand', (t) => {
  for (const reply of REPLIES.filter(({ kind }) => kind !== 'empty')) {
    t.equal(answer(reply).headers.get('cache-control'), 'no-store', reply.kind)
  }
  const published: Reply = {
    ...JSON_REPLY,
    kind: 'json',
    headers: new Map([['Cache-Control', 'public, max-age=900']]),
  } as Reply
  t.equal(answer(published).headers.get('cache-control'), 'public, max-age=900')
  t.end()
})

t.test('[WEB-054] JSON is declared as JSON, and its policy lets nothing of it run', async (t) => {
  const response = answer(JSON_REPLY)
  t.equal(response.headers.get('content-type'), 'application/json')
  t.equal(response.headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'")
  t.equal(await response.text(), '{"a":1}')
})

t.test(
  '[WEB-016] every cookie is HttpOnly, SameSite=Lax, for the whole host, without a Domain, and Secure under https',
  (t) => {
    for (const reply of REPLIES.filter((one) => 'cookies' in one)) {
      const lines = answer(reply).headers.getSetCookie()
      t.strictSame(
        lines,
        [
          '__Host-vouchsafe_browser=abc.DEF-1_2; Path=/; HttpOnly; SameSite=Lax; Secure',
          '__Host-vouchsafe_session=xyz; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=3600',
        ],
        reply.kind,
      )
    }
    const http = answer(errorPage(), {}, 'http://localhost:3000').headers.getSetCookie()
    t.notMatch(http.join(), /Secure|Domain/)
    t.equal(
      setCookie({ name: 'n', value: '', maxAge: 99 }, true),
      'n=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0',
    )
    for (const value of ['a;Domain=evil', 'a b', 'a\r\nSet-Cookie: x=1', 'é', 'a"b', 'a\\b', 'a,b']) {
      t.throws(() => setCookie({ name: 'n', value, maxAge: undefined }, true), TypeError, JSON.stringify(value))
    }
    t.throws(() => setCookie({ name: 'n=1; a', value: '', maxAge: undefined }, true), TypeError)
    t.end()
  },
)

t.test('[R9700-39] redirects are 303, to the client as to an interaction, and carry no body', async (t) => {
  const locations = new Map([
    ['redirect', 'https://rp.example/callback?code=1'],
    ['interact', 'https://op.example/interaction/inter%2Faction%201'],
    ['resume', 'https://op.example/interaction/i1'],
  ])
  for (const reply of REPLIES.filter(({ kind }) => locations.has(kind))) {
    const response = answer(reply)
    t.equal(response.status, 303)
    t.equal(response.headers.get('location'), locations.get(reply.kind))
    t.equal(await response.text(), '')
  }
  const own = answer({ kind: 'resume', interactionId: 'i1', cookies: [] }, { interactionUrl: (id) => `/login?i=${id}` })
  t.equal(own.headers.get('location'), '/login?i=i1')
  const under = answer({ kind: 'resume', interactionId: 'i1', cookies: [] }, {}, 'https://op.example/auth')
  t.equal(under.headers.get('location'), 'https://op.example/auth/interaction/i1')
  const split = answer({ kind: 'redirect', location: 'https://rp.example/cb?a=é\r\nSet-Cookie: x=1', cookies: [] })
  t.equal(
    split.headers.get('location'),
    'https://rp.example/cb?a=%C3%A9%0D%0ASet-Cookie:%20x=1',
    'no line break gets through',
  )
  t.strictSame(split.headers.getSetCookie(), [])
})

t.test(
  '[WEB-035] every page forbids what it does not name: no inline code, no eval, no objects, no base',
  async (t) => {
    const door = createWebDoor(told(ISSUER), PEER)
    const pages = [answer(errorPage()), answer(formPost()), door.toPage({ html: '<p>own</p>' })]
    for (const page of pages) {
      const policy = directives(page)
      t.equal(policy.get('default-src'), "'none'")
      t.equal(policy.get('object-src'), "'none'")
      t.equal(policy.get('base-uri'), "'none'")
      t.equal(policy.get('frame-ancestors'), "'none'")
      t.notMatch(page.headers.get('content-security-policy'), /unsafe-|\*|data:/)
      t.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
    }
    t.equal(directives(answer(errorPage())).get('script-src'), undefined, 'falls back to none')
    t.equal(directives(answer(errorPage())).get('form-action'), "'none'")
  },
)

t.test('[WEB-050, WEB-051] markup in anything that a page prints is text', async (t) => {
  const evil = `</p><img src=x onerror=alert(1)>"'&`
  const html = await answer(errorPage({ detail: evil, reference: evil })).text()
  t.notMatch(html, /<img/)
  t.match(html, '&lt;/p&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;')
  const form = await answer(formPost({ action: verified('https://rp.example/cb?x="><script>1</script>') })).text()
  t.equal(form.match(/<script/g)?.length, 1, 'the nonced one alone')
})

t.test(
  '[WEB-037, ADV-134] a self-submitting form runs one nonced script, may go to its one target, and nothing follows it',
  async (t) => {
    const response = answer(formPost())
    const html = await response.text()
    const policy = directives(response)
    const nonce = /^'nonce-([A-Za-z0-9+/=]{22,})'$/.exec(policy.get('script-src') ?? '')?.[1] ?? 'none'
    t.equal(policy.get('form-action'), 'https://rp.example/callback')
    t.match(html, '<form method="post" action="https://rp.example/callback?tenant=a">')
    t.match(html, '<input type="hidden" name="code" value="c0de">')
    t.match(html, '<input type="hidden" name="state" value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;">')
    t.match(html, /<button type="submit">[^<]+<\/button>/, 'a visible button where scripts are off')
    t.equal(
      html.split('</form>')[1],
      `</main><script nonce="${nonce}">document.forms[0].submit()</script></body></html>`,
    )
    t.not(directives(answer(formPost())).get('script-src'), policy.get('script-src'), 'a nonce is used once')
    const targets: readonly (readonly [string, string])[] = [
      ['https://rp.example/a;b,c', 'https://rp.example/a%3Bb%2Cc'],
      ['http://127.0.0.1:8080/cb', 'http://127.0.0.1:8080/cb'],
      ['http://[::1]:8080/cb', 'http:'],
      ['com.example.app:/cb', 'com.example.app:'],
    ]
    for (const [action, source] of targets) {
      t.equal(directives(answer(formPost({ action: verified(action) }))).get('form-action'), source, action)
    }
  },
)

t.test('[WEB-040] pages leave the window that opened them, a redirect never does, and popups can be let in', (t) => {
  for (const reply of REPLIES) {
    const isPage = reply.kind === 'page' || reply.kind === 'formPost'
    const { headers } = answer(reply)
    t.equal(headers.get('cross-origin-opener-policy'), isPage ? 'same-origin' : null, reply.kind)
    t.equal(headers.get('cross-origin-resource-policy'), 'same-origin', reply.kind)
    t.equal(answer(reply, { popups: 'allowed' }).headers.get('cross-origin-opener-policy'), null, reply.kind)
  }
  t.end()
})

t.test('[unit] an embedder draws his own pages, under the same headers', async (t) => {
  const render: WebDoorOptions['render'] = {
    page: ({ page }) => ({ html: `own ${page.problem}` }),
    formPost: (_reply, nonce) => `own <script nonce="${nonce}">`,
  }
  const page = answer(errorPage(), { render })
  t.equal(await page.text(), 'own unknownClient')
  t.equal(page.status, 400)
  t.equal(directives(page).get('style-src'), "'self'")
  const form = answer(formPost(), { render })
  t.equal(await form.text(), `own <script nonce="${directives(form).get('script-src')?.slice(7, -1)}">`)
  const own = createWebDoor(told(ISSUER), PEER).toPage({
    html: 'x',
    status: 401,
    csp: "default-src 'self'",
    cookies: COOKIES,
  })
  t.equal(own.status, 401)
  t.equal(own.headers.get('content-security-policy'), "default-src 'self'")
  t.equal(own.headers.getSetCookie().length, 2)
})
