// Owns a relying party that finds out how to authenticate by trying, as Go's x/oauth2 does where nobody told it (Grafana, oauth2-proxy
// and most of Go's world): Basic first, and on any failure the same request again with the credentials in the body.

import t from 'tap'
import { ALICE } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { AS_ALICE, openWorld } from './world.ts'

const world = await openWorld(t)
const REDIRECT_URI = 'http://127.0.0.1:9/login/generic_oauth'

// Go's url.QueryEscape: a form's encoding, which this is too for what a client id or secret may hold.
const queryEscape = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)

/** What the program knows: three addresses and credentials; no discovery, no PKCE, no nonce. */
interface Program {
  readonly clientId: string
  readonly clientSecret: string
}

/** One answer of the token endpoint, as much as is looked at. */
interface Attempt {
  readonly style: 'header' | 'params'
  readonly status: number
  readonly challenge: string | null
  readonly body: Readonly<Record<string, unknown>>
}

const attempt = async (program: Program, code: string, style: Attempt['style']): Promise<Attempt> => {
  const form = new URLSearchParams({ code, grant_type: 'authorization_code', redirect_uri: REDIRECT_URI })
  if (style === 'params') {
    form.set('client_id', program.clientId)
    form.set('client_secret', program.clientSecret)
  }
  const basic = Buffer.from(`${queryEscape(program.clientId)}:${queryEscape(program.clientSecret)}`).toString('base64')
  const response = await fetch(`${world.issuer}/token`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': 'Go-http-client/1.1',
      ...(style === 'header' ? { authorization: `Basic ${basic}` } : {}),
    },
    body: form.toString(),
  })
  const body: Attempt['body'] = JSON.parse(await response.text())
  return { style, status: response.status, challenge: response.headers.get('www-authenticate'), body }
}

/** What a program does that has no style cached yet. */
const probe = async (program: Program, code: string): Promise<readonly Attempt[]> => {
  const first = await attempt(program, code, 'header')
  return first.status < 300 ? [first] : [first, await attempt(program, code, 'params')]
}

/** A person's way through the browser, back to the code. */
const codeFor = async ({ clientId }: Program, username = 'alice'): Promise<string> => {
  const url = new URL(`${world.issuer}/authorize`)
  url.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid email profile',
    state: 'AbC-1_2=',
  }).toString()
  const arrival = await createVisitor(world.issuer).signIn(url.href, { ...AS_ALICE, username })
  const { url: back } = arrival
  const { searchParams } = new URL(back)
  if (searchParams.get('state') !== 'AbC-1_2=') {
    const title = /<title>([^<]*)/.exec(arrival.body)?.[1]
    throw new Error(`state was lost: ${back} (${arrival.status}, ${title})`)
  }
  return searchParams.get('code') ?? ''
}

const programFor = (method: string): Promise<Program> =>
  world.client({
    client_name: 'Dashboard',
    redirect_uris: [REDIRECT_URI],
    token_endpoint_auth_method: method,
    pkce: 'optional',
    nonce: 'optional',
  })

const userinfoOf = async ({ body }: Attempt): Promise<unknown> =>
  (await fetch(`${world.issuer}/userinfo`, { headers: { authorization: `Bearer ${body['access_token']}` } })).json()

t.test(
  '[V21-11, CONF-B-oidcc-ensure-request-without-nonce-succeeds-for-code-flow] the second style succeeds with the code that the first one brought',
  async (t) => {
    const program = await programFor('client_secret_post')
    const [first, second] = await probe(program, await codeFor(program))
    t.match(first, { status: 401, body: { error: 'invalid_client' } })
    t.match(first?.challenge, /^Basic realm=/)
    t.match(second, { status: 200, body: { token_type: 'Bearer', expires_in: 3600, scope: 'openid email profile' } })
    if (second !== undefined) t.match(await userinfoOf(second), { sub: world.alice, email: ALICE.email })
  },
)

t.test('[unit] a client that is registered for Basic needs no second try', async (t) => {
  const program = await programFor('client_secret_basic')
  const attempts = await probe(program, await codeFor(program))
  t.match(attempts, [{ style: 'header', status: 200 }])
})

t.test(
  '[unit] twenty people who sign in at once, each through a program that probes, all get in, and nobody is locked out',
  async (t) => {
    const program = await programFor('client_secret_post')
    const people = Array.from({ length: 20 }, (_, n) => `person-${n}`)
    for (const name of people) await world.person(name, { ...ALICE, email: `${name}@example.org` })
    const logIn = async (name: string): Promise<readonly Attempt[]> => probe(program, await codeFor(program, name))
    const attempts = await Promise.all(people.map(logIn))
    t.strictSame(
      attempts.map((both) => both.map(({ status }) => status)),
      Array.from({ length: 20 }, () => [401, 200]),
    )
    const [, later] = await probe(program, await codeFor(program))
    t.equal(later?.status, 200)
  },
)

t.test('[unit] a wrong secret is refused in both styles, and the code stays good for the right one', async (t) => {
  const program = await programFor('client_secret_post')
  const code = await codeFor(program)
  const refused = await probe({ ...program, clientSecret: 'wrong' }, code)
  t.match(refused, [
    { status: 401, body: { error: 'invalid_client' } },
    { status: 401, body: { error: 'invalid_client' } },
  ])
  const [, second] = await probe(program, code)
  t.equal(second?.status, 200)
})
