// Owns the proof of the command line on a real Postgres: what it prints, what it refuses, and how it ends.

import { spawn } from 'node:child_process'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { reveal, secret } from '@vouchsafe/core'
import { acquireTestDatabase } from '@vouchsafe/embedded-postgres/testing'
import { connect } from '@vouchsafe/postgres'
import t from 'tap'
import { commandReference } from '#src/cli/help.js'
import { COMMANDS, runCli } from '#src/cli/run.js'
import { processTerminal, type Terminal } from '#src/cli/terminal.js'
import { type Environment, loadConfig } from '#src/config/index.js'
import { openDatabase } from '#src/database/index.js'
import { urlOf } from '../support/idp.ts'

const PASSWORD = 'a good long one'
const folder = await mkdtemp(join(tmpdir(), 'vouchsafe-cli-'))
// Open to pass through, as the own Postgres may run as another user in it.
await chmod(folder, 0o755)
const lent = await acquireTestDatabase()
const ENV: Environment = {
  DATABASE_URL: urlOf(lent.connection),
  DATA_FOLDER: folder,
  HASH_MEMORY: '7168',
  HASH_PASSES: '1',
}
const sql = connect({ database: lent.connection })
t.teardown(async () => {
  await sql.end({ timeout: 5 })
  await lent.release()
  await rm(folder, { recursive: true, force: true })
})

interface Ran {
  readonly code: number
  readonly out: string
  readonly told: string
  // biome-ignore lint/suspicious/noExplicitAny: what a program reads of the output is looked at member by member.
  readonly json: any
}

const run = async (
  line: readonly string[],
  over: { readonly env?: Environment; readonly input?: string; readonly answers?: readonly string[] } = {},
): Promise<Ran> => {
  const out: string[] = []
  const told: string[] = []
  const answers = [...(over.answers ?? [])]
  const terminal: Terminal = {
    print: (text) => void out.push(text),
    tell: (text) => void told.push(text),
    canAsk: over.answers !== undefined,
    askHidden: async () => {
      const answer = answers.shift()
      return answer === undefined ? undefined : secret(answer)
    },
    confirm: async () => answers.shift() === 'yes',
    readInput: async () => secret(over.input ?? ''),
  }
  const code = await runCli({ argv: line, env: over.env ?? ENV, terminal })
  const text = out.join('')
  return { code, out: text, told: told.join('\n'), json: /^[[{]/.test(text) ? JSON.parse(text) : undefined }
}

const json = (...line: readonly string[]): Promise<Ran> => run([...line, '--format', 'json'])

const WIKI = ['client', 'create', '--name', 'Wiki', '--redirect-uri', 'https://wiki.example/cb'] as const

t.test(
  '[OPS-046] commands say what to do about a database of another schema, and migrate brings it to this one',
  async (t) => {
    const before = await run(['user', 'list'])
    t.equal(before.code, 6)
    t.match(before.told, /vouchsafe migrate/)
    const migrated = await json('migrate')
    t.equal(migrated.code, 0)
    t.ok(migrated.json.includes('idp/0001_people') && migrated.json.includes('protocol/0001_registry'))
    t.same((await json('migrate')).json, [], 'a second time there is nothing to do')
    t.equal((await run(['user', 'list'])).code, 0)
    await sql`insert into vouchsafe_migrations (ledger, name, checksum) values ('idp', '0999_future', 'x')`
    const newer = await run(['user', 'list'])
    t.equal(newer.code, 6)
    t.match(newer.told, /newer/)
    await sql`delete from vouchsafe_migrations where name = '0999_future'`
  },
)

t.test(
  '[R6819-01, R6819-29] a client is registered with its secret shown this once, and listed and shown without it',
  async (t) => {
    const created = await json(...WIKI)
    t.equal(created.code, 0)
    t.match(created.json, {
      client_id: /^[a-z2-9]{24}$/,
      client_secret: /^vcs_/,
      version: 1,
      disabled: false,
      token_endpoint_auth_method: 'client_secret_basic',
      pkce: 'required',
    })
    t.match(created.told, /shown this once/)
    const { client_id: id, client_secret: clear } = created.json
    const rows = await sql<
      { client: string }[]
    >`select to_jsonb(c)::text as client from clients c where client_id = ${id}`
    const digest = createHash('sha256').update(clear).digest()
    t.ok(
      [digest.toString('base64'), digest.toString('hex'), digest.toString('base64url')].some((form) =>
        rows[0]?.client.includes(form),
      ),
      'the digest is kept',
    )
    for (const shown of [
      await json('client', 'show', id),
      await json('client', 'list'),
      await run(['client', 'show', id]),
      await run(['client', 'list']),
    ]) {
      t.equal(shown.code, 0)
      t.ok(shown.out.includes(id))
      t.notOk(shown.out.includes(clear))
    }
    const event =
      await sql`select fields from audit_events where name = 'client.created' and fields->>'clientId' = ${id}`
    t.match(event[0], { fields: { actor: /^cli/ } })
  },
)

t.test('[unit] columns and fields are stable', async (t) => {
  await run([...WIKI, '--id', 'stable', '--auth', 'none', '--trusted'])
  const list = await run(['client', 'list'])
  t.match(
    list.out.split('\n')[0],
    /^CLIENT_ID +CLIENT_NAME +APPLICATION_TYPE +TOKEN_ENDPOINT_AUTH_METHOD +DISABLED +ORIGIN +REDIRECT_URIS$/,
  )
  t.match(list.out, /^stable +Wiki +web +none +no +operator +https:\/\/wiki.example\/cb$/m)
  const users = await run(['user', 'list'])
  t.match(users.out.split('\n')[0], /^USERNAME +NAME +EMAIL +STATUS +ADMIN +GROUPS +SUBJECT$/)
  const keys = await run(['keys', 'list'])
  t.match(keys.out.split('\n')[0], /^KID +ALG +STATE +SINCE +CREATED_AT$/)
  const shown = await json('client', 'show', 'stable')
  t.same(Object.keys(shown.json), [
    'client_id',
    'disabled',
    'origin',
    'version',
    'secrets',
    'created_at',
    'updated_at',
    'client_name',
    'application_type',
    'token_endpoint_auth_method',
    'tls_client_certificate_bound_access_tokens',
    'dpop_bound_access_tokens',
    'redirect_uris',
    'localhost_any_port',
    'scope',
    'grant_types',
    'pkce',
    'nonce',
    'id_token_signed_response_alg',
    'id_token_claims',
    'trusted',
    'require_pushed_authorization_requests',
    'refresh_tokens',
    'require_signed_request_object',
    'request_uris',
    'cors_origins',
  ])
  t.match(shown.json.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
})

t.test(
  '[ADV-020, WEB-093] a client is changed by what is named, taken away and whole, and by one administrator at a time',
  async (t) => {
    await run([...WIKI, '--id', 'changing', '--policy-uri', 'https://wiki.example/privacy'])
    const keys = join(folder, 'jwks.json')
    await writeFile(
      keys,
      JSON.stringify({
        keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })],
      }),
    )
    const changed = await json(
      'client',
      'update',
      'changing',
      '--name',
      'Wiki 2',
      '--trusted',
      '--unset',
      'policy-uri',
      '--auth',
      'private_key_jwt',
      '--jwks-file',
      keys,
      '--default-max-age',
      '60',
    )
    t.match(changed.json, {
      client_name: 'Wiki 2',
      trusted: true,
      token_endpoint_auth_method: 'private_key_jwt',
      default_max_age: 60,
      version: 2,
      secrets: 0,
    })
    t.notOk('policy_uri' in changed.json)
    t.match((await json('client', 'update', 'changing', '--no-trusted')).json, {
      trusted: false,
      client_name: 'Wiki 2',
      version: 3,
    })
    const stale = await run(['client', 'update', 'changing', '--name', 'x', '--version', '1'])
    t.equal(stale.code, 4)
    const broken = await run(['client', 'update', 'changing', '--redirect-uri', 'http://wiki.example/cb'])
    t.equal(broken.code, 1)
    t.match(broken.told, /^--redirect-uri: redirect_uris\[0\] must use https/)
    t.equal((await json('client', 'show', 'changing')).json.version, 3)
    const both = await run(['client', 'update', 'changing', '--jwks-uri', 'https://wiki.example/jwks.json'])
    t.match(both.told, /^--jwks-uri: jwks_uri cannot stand beside jwks/)
    const inside = await run([
      'client',
      'update',
      'changing',
      '--unset',
      'jwks-file',
      '--jwks-uri',
      'https://10.0.0.1/jwks',
    ])
    t.match(inside.told, /^--jwks-uri: jwks_uri must name a host of the public internet/)
    const moved = [
      'client',
      'update',
      'changing',
      '--unset',
      'jwks-file',
      '--jwks-uri',
      'https://wiki.example/jwks.json',
    ]
    t.match((await json(...moved)).json, { jwks_uri: 'https://wiki.example/jwks.json', version: 4 })
    t.notOk('jwks' in (await json('client', 'show', 'changing')).json)
    const secretAgain = await json(
      'client',
      'update',
      'changing',
      '--auth',
      'client_secret_post',
      '--unset',
      'jwks-uri',
    )
    t.match(secretAgain.json, { client_secret: /^vcs_/ })
  },
)

t.test('[ADV-073] clients are switched off and on, and deleted only when that is meant', async (t) => {
  await run([...WIKI, '--id', 'doomed'])
  t.equal((await run(['client', 'disable', 'doomed'])).code, 0)
  t.equal((await json('client', 'show', 'doomed')).json.disabled, true)
  t.match((await run(['client', 'disable', 'doomed'])).told, /already/)
  t.equal((await run(['client', 'enable', 'doomed'])).code, 0)
  t.equal((await run(['client', 'delete', 'doomed'])).code, 1, 'nobody was there to ask')
  t.equal((await run(['client', 'delete', 'doomed'], { answers: ['no'] })).code, 1)
  t.equal((await json('client', 'show', 'doomed')).code, 0)
  t.equal((await run(['client', 'delete', 'doomed'], { answers: ['yes'] })).code, 0)
  for (const verb of [['show'], ['disable'], ['enable'], ['delete', '--yes'], ['update', '--name', 'x']]) {
    t.equal((await run(['client', verb[0] ?? '', 'doomed', ...verb.slice(1)])).code, 3, verb[0] ?? '')
  }
  t.equal((await run([...WIKI, '--id', 'stable'])).code, 4, 'the id is taken')
})

t.test('[unit] what is wrong with a line is told before anything is opened', async (t) => {
  const nowhere: Environment = { ...ENV, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /Usage: vouchsafe COMMAND/],
    [['client'], /client create/],
    [['frobnicate'], /no command "frobnicate"/],
    [['clients', 'list'], /did you mean client list\?/],
    [['user', 'creat', 'x'], /no command|did you mean user create/],
    [['user', 'create'], /USERNAME is missing/],
    [['user', 'create', 'a', 'b'], /one word too many: "b"/],
    [['user', 'create', 'a', '--password', 'hunter2hunter2'], /no option --password; did you mean --password-stdin/],
    [['user', 'create', 'a', '--email'], /--email needs a value/],
    [['user', 'create', 'a', '--email', '--admin'], /--email needs a value/],
    [['user', 'create', 'a', '--email='], /--email needs a value/],
    [['user', 'create', 'a', '--admin=yes'], /--admin takes no value/],
    [['user', 'create', 'a', '--name', 'x', '--name', 'y'], /--name is given twice/],
    [[...WIKI, '--trusted', '--no-trusted'], /exclude one another/],
    [[...WIKI, '--type', 'desktop'], /--type must be one of web, native/],
    [[...WIKI, '--default-max-age', '1h'], /--default-max-age must be a whole number/],
    [[...WIKI, '--redirect_uri', 'https://x.example'], /did you mean --redirect-uri\?/],
    [['client', 'create', '--name', 'x'], /--redirect-uri must be given/],
    [['client', 'update', 'x', '--unset', 'wallpaper'], /--unset must be one of/],
    [['keys', 'rotate', '--alg', 'HS256'], /--alg must be one of RS256, ES256, EdDSA/],
    [['keys', 'list', '--format', 'xml'], /--format must be one of table, json/],
    [['keys', 'list', '-v'], /no option --v/],
  ]
  for (const [line, expected] of wrong) {
    const ended = await run(line, { env: nowhere })
    t.equal(ended.code, 2, line.join(' '))
    t.match(ended.told, expected, line.join(' '))
    t.equal(ended.out, '')
  }
  t.equal((await run(['user', 'list'], { env: nowhere })).code, 6, 'the same settings do not reach a database')
})

t.test(
  '[unit] a rule that refuses has its own code, as have a configuration and a database that are not usable',
  async (t) => {
    t.equal((await run(['user', 'create', 'a b', '--no-password'])).code, 1)
    const misconfigured = await run(['user', 'list'], { env: { ...ENV, PORT: 'x', ISSUER: 'ftp://x' } })
    t.equal(misconfigured.code, 5)
    t.match(misconfigured.told, /ISSUER[\s\S]*PORT|PORT[\s\S]*ISSUER/)
    t.equal((await run(['user', 'list', '--config', join(folder, 'absent.yaml')])).code, 5)
    const down = await run(['user', 'list'], {
      env: { ...ENV, DATABASE_URL: 'postgres://nobody:hunter2@127.0.0.1:1/none' },
    })
    t.equal(down.code, 6)
    t.match(down.told, /DATABASE_URL.*cannot be reached/)
    t.notMatch(down.told, /hunter2/)
  },
)

t.test('[unit] people are made, shown, given a password, stopped and let in again', async (t) => {
  const made = await run(
    [
      'user',
      'create',
      'ada',
      '--name',
      'Ada Lovelace',
      '--email',
      'ada@x.example',
      '--email-verified',
      '--group',
      'b',
      '--group',
      'a',
      '--admin',
      '--password-stdin',
      '--format',
      'json',
    ],
    { input: PASSWORD },
  )
  t.equal(made.code, 0)
  t.match(made.json, {
    username: 'ada',
    name: 'Ada Lovelace',
    email: 'ada@x.example',
    email_verified: true,
    groups: ['a', 'b'],
    admin: true,
    has_password: true,
    status: 'active',
  })
  t.same((await json('user', 'show', 'ADA')).json, made.json)
  t.same((await json('user', 'show', made.json.subject, '--subject')).json, made.json)
  t.equal((await run(['user', 'create', 'Ada', '--no-password'])).code, 4)
  t.match((await json('user', 'create', 'bare', '--no-password')).json, { has_password: false, groups: [] })
  const hashOf = async (): Promise<unknown> =>
    (await sql`select password_hash from users where username = 'ada'`)[0]?.['password_hash']
  const before = await hashOf()
  t.equal((await run(['user', 'set-password', 'ada', '--password-stdin'], { input: 'another good one' })).code, 0)
  t.not(await hashOf(), before)
  t.equal((await run(['user', 'disable', 'ada'])).code, 0)
  t.equal((await json('user', 'show', 'ada')).json.status, 'disabled')
  t.equal((await run(['user', 'enable', 'ada'])).code, 0)
  t.equal((await json('user', 'show', 'ada')).json.status, 'active')
  for (const line of [['show'], ['disable'], ['enable'], ['set-password']])
    t.equal((await run(['user', ...line, 'nobody'])).code, 3)
})

t.test(
  '[WEB-082] a password is asked for in hiding or read from standard input, and stands nowhere else',
  async (t) => {
    const asked = await run(['user', 'create', 'asked'], { answers: [PASSWORD, PASSWORD] })
    t.equal(asked.code, 0)
    t.notOk((asked.out + asked.told).includes(PASSWORD))
    t.equal((await run(['user', 'create', 'differs'], { answers: [PASSWORD, 'something else'] })).code, 1)
    t.equal((await run(['user', 'create', 'gave-up'], { answers: [] })).code, 1)
    t.equal((await run(['user', 'create', 'nobody-there'])).code, 2)
    t.equal((await run(['user', 'create', 'empty', '--password-stdin'], { input: '' })).code, 2)
    t.equal((await run(['user', 'create', 'both', '--password-stdin', '--no-password'], { input: PASSWORD })).code, 2)
    const weak = await run(['user', 'create', 'weak', '--password-stdin'], { input: 'password1' })
    t.equal(weak.code, 1)
    t.match(weak.told, /everybody tries first/)
    const left = await sql<
      { count: number }[]
    >`select count(*)::integer as count from users where username in ('differs', 'gave-up', 'nobody-there', 'empty', 'both', 'weak')`
    t.equal(left[0]?.count, 0)

    const input = Object.assign(new PassThrough(), {
      isTTY: true,
      isRaw: false,
      setRawMode(raw: boolean) {
        this.isRaw = raw
        return this
      },
    })
    const errors = Object.assign(new PassThrough(), { isTTY: true })
    const screen: string[] = []
    errors.on('data', (chunk: Buffer) => screen.push(chunk.toString()))
    const terminal = processTerminal({ input: input as never, output: new PassThrough(), errors: errors as never })
    t.ok(terminal.canAsk)
    const typing = terminal.askHidden('Password: ')
    t.ok(input.isRaw, 'the terminal itself shows nothing')
    for (const key of ['h', 'u', 'x', '\u007f', 'nter2', '\r']) input.write(key)
    const typed = await typing
    t.equal(typed === undefined ? undefined : reveal(typed), 'hunter2')
    t.notOk(input.isRaw)
    t.equal(screen.join(''), 'Password: \n')
    const givingUp = terminal.askHidden('Password: ')
    input.write('abc\u0003')
    t.equal(await givingUp, undefined)
  },
)

t.test('[WEB-079] stored text steers no terminal', async (t) => {
  await sql`update users set name = ${'\u001b[2J\u202eevil\nroot  admin'} where username = 'bare'`
  const { out } = await run(['user', 'list'])
  t.notOk(out.includes('\u001b') || out.includes('\u202e'))
  t.equal(out.split('\n').filter((line) => line.startsWith('root')).length, 0)
})

t.test('[unit] keys are listed and rotated, ahead of time or at once', async (t) => {
  const first = await json('keys', 'rotate')
  t.equal(first.code, 0)
  t.same(
    first.json.map(({ alg, state }: Record<string, string>) => `${alg} ${state}`),
    ['RS256 active', 'ES256 active', 'EdDSA active'],
    'an empty ring is filled',
  )
  const planned = await json('keys', 'rotate', '--alg', 'ES256')
  t.equal(
    planned.json.filter(({ alg, state }: Record<string, string>) => alg === 'ES256' && state === 'next').length,
    1,
  )
  const again = await run(['keys', 'rotate', '--alg', 'ES256'])
  t.equal(again.code, 4)
  t.match(again.told, /waits already; it signs from \d{4}-/)
  const now = await json('keys', 'rotate', '--alg', 'ES256', '--now')
  t.equal(
    now.json.filter(({ alg, state }: Record<string, string>) => alg === 'ES256' && state === 'retiring').length,
    1,
  )
  t.same(Object.keys(now.json[0]), ['kid', 'alg', 'state', 'since', 'created_at'])
  t.equal((await run(['keys', 'rotate'], { env: { ...ENV, KEY_ENCRYPTION_SECRET: 'changeme' } })).code, 5)
})

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

const spawned = (line: readonly string[], env: Environment, input = ''): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...line], {
      env: { PATH: process.env['PATH'], HOME: folder, ...env },
      stdio: 'pipe',
    })
    const [out, told]: [string[], string[]] = [[], []]
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => told.push(chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) =>
      resolve({ code: code ?? -1, out: out.join(''), told: told.join(''), json: undefined }),
    )
    child.stdin.end(input)
  })

t.test('[unit] the program itself: help, codes, standard input', async (t) => {
  const help = await spawned(['--help'], {})
  t.equal(help.code, 0)
  for (const { path } of COMMANDS) t.ok(help.out.includes(path.join(' ')), path.join(' '))
  t.match((await spawned(['client', 'create', '--help'], {})).out, /--redirect-uri URI \.\.\./)
  t.equal((await spawned(['nonsense'], {})).code, 2)
  const made = await spawned(['user', 'create', 'piped', '--password-stdin'], ENV, `${PASSWORD}\n`)
  t.equal(made.code, 0, made.told)
  t.equal((await spawned(['user', 'create', 'huge', '--password-stdin'], ENV, 'x'.repeat(100_000))).code, 2)
})

t.test(
  '[unit] with a Postgres of its own, a command starts it for its own duration, or goes to the one of a running server',
  async (t) => {
    const env: Environment = { DATA_FOLDER: join(folder, 'data'), HASH_MEMORY: '7168' }
    const first = await spawned(['user', 'create', 'first', '--password-stdin'], env, PASSWORD)
    t.equal(first.code, 0, first.told)
    const config = await loadConfig(env)
    if (!config.ok) throw new Error('not configured')
    const server = await openDatabase(config.value, { role: 'server', log: () => undefined })
    try {
      t.equal(server.origin, 'embedded')
      const beside = await spawned(['user', 'create', 'second', '--password-stdin'], env, PASSWORD)
      t.equal(beside.code, 0, beside.told)
      const names = await server.sql<{ username: string }[]>`select username from users order by username`
      t.same(
        names.map(({ username }) => username),
        ['first', 'second'],
        'both went to one database',
      )
      t.equal((await server.sql`select 1 as alive`)[0]?.['alive'], 1, 'the server’s Postgres goes on')
      await t.rejects(openDatabase(config.value, { role: 'server', log: () => undefined }), { code: 'not_started' })
    } finally {
      await server.close()
    }
  },
)

t.test('[OUT-13] the list of deliveries shows what apps could not be told, and nothing of any token', async (t) => {
  const at = 1_800_000_000
  await sql`
    insert into logout_deliveries (sid, client_id, subject, state, attempts, failure, created_at, due_at, expires_at)
    values ('s1', 'wiki', 'alice', 'dead', 6, 'answered503', ${at}, ${at + 60}, ${at + 9999}),
      ('s1', 'mail', 'alice', 'delivered', 1, null, ${at}, ${at + 1}, ${at + 9999})`
  const dead = await json('logout-deliveries', 'list', '--state', 'dead')
  t.equal(dead.code, 0)
  t.same(dead.json, [
    {
      client_id: 'wiki',
      subject: 'alice',
      sid: 's1',
      state: 'dead',
      attempts: 6,
      failure: 'answered503',
      ended_at: '2027-01-15T08:00:00Z',
      due_at: '2027-01-15T08:01:00Z',
    },
  ])
  t.equal((await json('logout-deliveries', 'list')).json.length, 2)
  t.match((await run(['logout-deliveries', 'list'])).out, /CLIENT_ID +SUBJECT .*\nmail +alice +s1 +delivered +1 +- /)
  t.equal((await run(['logout-deliveries', 'list', '--state', 'lost'])).code, 2)
  await sql`delete from logout_deliveries`
})

t.test('[unit] the reference page says what the commands say', async (t) => {
  const page = await readFile(new URL('../../../../docs/reference/cli.md', import.meta.url), 'utf8')
  t.equal(page, commandReference(COMMANDS), 'run node apps/idp/dist/cli/write-reference.js')
})

t.test(
  '[DCR-07] a token for registration is printed once, limited in uses, time and scope, kept as a digest, listed and revoked',
  async (t) => {
    const made = await run([
      ...['registration-token', 'create', '--label', 'workshop', '--uses', '3', '--lifetime', '2h'],
      ...['--scope', 'openid email', '--format', 'json'],
    ])
    t.equal(made.code, 0)
    t.match(made.json, { label: 'workshop', uses_left: 3, scope: 'openid email', token: /^vci_[\w-]{43}$/ })
    t.equal(Date.parse(made.json.expires_at) - Date.parse(made.json.created_at), 2 * 60 * 60 * 1000)
    const [kept] = await sql`select * from registration_tokens where id = ${made.json.id}`
    t.notMatch(JSON.stringify(kept), made.json.token)
    t.equal(kept?.['digest'].toString('hex'), createHash('sha256').update(made.json.token).digest('hex'))
    const listed = await run(['registration-token', 'list', '--format', 'json'])
    const { token: _, ...shown } = made.json
    t.same(listed.json, [shown])
    t.equal((await run(['registration-token', 'revoke', made.json.id])).code, 0)
    t.equal((await run(['registration-token', 'revoke', made.json.id])).code, 3)
    t.same((await run(['registration-token', 'list', '--format', 'json'])).json, [])
    for (const wrong of [
      ['--uses', '0'],
      ['--lifetime', '1s'],
      ['--lifetime', 'soon'],
      ['--scope', 'a"b'],
      ['--label', 'x'.repeat(101)],
    ]) {
      t.equal((await run(['registration-token', 'create', ...wrong])).code, 1, wrong.join(' '))
    }
  },
)
