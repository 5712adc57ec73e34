// Owns one sample of every variant of every page, realistic ones and the worst that still can be. Never random.

import type {
  AccountDisplay,
  ClaimDisplay,
  ClientDisplay,
  ConsentPage,
  DeviceConfirmPage,
  ErrorProblem,
  FormTarget,
  PageContext,
  PageModel,
  ScopeDisplay,
} from '#src/views/render.js'

export interface Sample {
  readonly name: string
  readonly page: PageModel
}

export const context: PageContext = { locale: 'en', basePath: '' }

export const form: FormTarget = {
  action: '/interaction/sign-in',
  csrf: 'gT3kq0v8mB1nYy5m2Xh0Tg',
  fields: [{ name: 'interaction', value: '7f3c1c1e9a' }],
}

export const ada: AccountDisplay = { displayName: 'Ada Lovelace', username: 'ada' }
const grace: AccountDisplay = { displayName: 'Grace Hopper', username: 'grace.hopper@navy.example' }
const longPerson: AccountDisplay = {
  displayName: `Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft ${'von und zu '.repeat(12)}Lohengrin`,
  username: `${'a.very.long.local.part.'.repeat(8)}name@${'subdomain.'.repeat(12)}example.org`,
}

const web = (name: string, host: string): ClientDisplay => ({
  name,
  destination: { kind: 'web', host },
  standing: 'known',
})

export const grafana: ClientDisplay = {
  ...web('Grafana', 'grafana.example.com'),
  logo: { url: 'https://grafana.example.com/logo.png', mayShow: true },
  policyUrl: 'https://grafana.example.com/privacy',
  termsUrl: 'https://grafana.example.com/terms',
}

const wiki: ClientDisplay = {
  ...web('Community Wiki', 'wiki.example.org'),
  policyUrl: 'https://wiki.example.org/privacy',
}

export const cli: ClientDisplay = {
  name: 'Example CLI',
  destination: { kind: 'loopback', host: '127.0.0.1:49201' },
  standing: 'known',
}

const stranger: ClientDisplay = { ...web('Totally Official Mail Sync', 'sync.example.net'), standing: 'unverified' }

const longClient: ClientDisplay = {
  ...web(
    `${'Betriebsverwaltungsanwendung'.repeat(3)} for everybody who works in the northern districts and beyond, second edition`,
    `${'a-very-long-label-in-a-host-name.'.repeat(6)}example.com`,
  ),
  standing: 'unverified',
  policyUrl: 'https://example.com/privacy',
  termsUrl: 'https://example.com/terms',
}

const text = (claim: string, value: string): ClaimDisplay => ({ claim, value: { kind: 'text', text: value } })
const flag = (claim: string, value: boolean): ClaimDisplay => ({ claim, value: { kind: 'flag', value } })

const scope = (name: string, claims: readonly ClaimDisplay[], rest: Partial<ScopeDisplay> = {}): ScopeDisplay => ({
  scope: name,
  claims,
  sensitive: false,
  alreadyAllowed: false,
  ...rest,
})

const openid = scope('openid', [text('sub', '5f2c0f4e-7d0a-4b53-9a3e-9f1d8c1c2b1e')])
const profile = scope('profile', [
  text('name', 'Ada Lovelace'),
  text('given_name', 'Ada'),
  text('family_name', 'Lovelace'),
  text('preferred_username', 'ada'),
  text('picture', 'https://people.example.com/pictures/ada.png'),
  text('locale', 'en-GB'),
  { claim: 'updated_at', value: { kind: 'instant', seconds: 1_780_000_000 } },
])
const email = scope('email', [text('email', 'ada@example.com'), flag('email_verified', true)])
const address = scope('address', [
  { claim: 'address', value: { kind: 'lines', lines: ['12 St James’s Square', 'London SW1Y 4JH', 'United Kingdom'] } },
])
const phone = scope('phone', [text('phone_number', '+44 20 7946 0958'), flag('phone_number_verified', false)])
const groups = (items: readonly string[]): ScopeDisplay =>
  scope('groups', [{ claim: 'groups', value: { kind: 'list', items } }])
const report = scope('reports:read', [], {
  label: 'Read your reports',
  description: 'Monthly and yearly, of all your projects.',
})
const payroll = scope('payroll:write', [], {
  label: 'Change the payroll',
  description: 'Create, change and release payments in your name.',
  sensitive: true,
})

const consent = (rest: Partial<ConsentPage>): ConsentPage => ({
  kind: 'consent',
  client: grafana,
  account: ada,
  scopes: [openid, profile, email],
  offline: false,
  form,
  ...rest,
})

const team = ['Engineering', 'Engineering/Compilers', 'On call', 'Readers']
const manyGroups = Array.from({ length: 42 }, (_, index) => `Region ${index + 1}/Working group ${(index * 7) % 13}`)

const longScopes: readonly ScopeDisplay[] = [
  scope('openid', [text('sub', 'x'.repeat(255))]),
  scope('profile', [
    text('name', longPerson.displayName),
    text('preferred_username', longPerson.username),
    text('website', `https://example.com/${'path/'.repeat(60)}`),
    { claim: `urn:example:${'claim:'.repeat(20)}`, value: { kind: 'text', text: 'مرحبا بالعالم' } },
  ]),
  scope('email', [text('email', longPerson.username), flag('email_verified', false)]),
  groups([...manyGroups, 'g'.repeat(300)]),
  scope(`urn:example:scope:${'deep:'.repeat(30)}`, [], { description: 'd'.repeat(400), sensitive: true }),
]

const problems: readonly ErrorProblem[] = [
  'requestInvalid',
  'clientUnknown',
  'clientDisabled',
  'redirectUriInvalid',
  'expired',
  'otherBrowser',
  'alreadyFinished',
  'formRefused',
  'accountDisabled',
  'setUpLinkInvalid',
  'notFound',
  'methodNotAllowed',
  'tooManyRequests',
  'requestTooLarge',
  'unavailable',
  'unexpected',
]

const errors: readonly Sample[] = problems.map((problem) => ({
  name: `error-${problem}`,
  page: { kind: 'error', problem, reference: '7KQ4-M2XD' },
}))

const signIn: readonly Sample[] = [
  { name: 'sign-in', page: { kind: 'signIn', client: grafana, username: '', form } },
  { name: 'sign-in-plain', page: { kind: 'signIn', username: '', form } },
  {
    name: 'sign-in-wrong',
    page: { kind: 'signIn', client: grafana, username: 'ada', problem: { kind: 'invalidCredentials' }, form },
  },
  {
    name: 'sign-in-throttled',
    page: { kind: 'signIn', client: wiki, username: 'ada', problem: { kind: 'throttled', waitSeconds: 45 }, form },
  },
  { name: 'sign-in-busy', page: { kind: 'signIn', client: wiki, username: 'ada', problem: { kind: 'busy' }, form } },
  {
    name: 'sign-in-expired-form',
    page: { kind: 'signIn', client: wiki, username: '', problem: { kind: 'expiredForm' }, form },
  },
  {
    name: 'sign-in-again',
    page: {
      kind: 'signIn',
      client: grafana,
      username: '',
      reason: 'tooLongAgo',
      knownAccount: ada,
      form,
      chooseAccountUrl: '/interaction/accounts',
    },
  },
  {
    name: 'sign-in-again-wrong',
    page: {
      kind: 'signIn',
      client: grafana,
      username: '',
      reason: 'appAsked',
      problem: { kind: 'invalidCredentials' },
      knownAccount: grace,
      form,
    },
  },
  { name: 'sign-in-device', page: { kind: 'signIn', client: cli, username: '', form } },
  { name: 'sign-in-unverified', page: { kind: 'signIn', client: stranger, username: 'ada@example.com', form } },
  {
    name: 'sign-in-long',
    page: {
      kind: 'signIn',
      client: longClient,
      username: longPerson.username,
      reason: 'sessionEnded',
      problem: { kind: 'throttled', waitSeconds: 600 },
      form,
      chooseAccountUrl: '/interaction/accounts',
    },
  },
]

const consents: readonly Sample[] = [
  { name: 'consent', page: consent({}) },
  {
    name: 'consent-everything',
    page: consent({ scopes: [openid, profile, email, address, phone, groups(team), report, payroll], offline: true }),
  },
  { name: 'consent-many-groups', page: consent({ scopes: [openid, email, groups(manyGroups)] }) },
  {
    name: 'consent-some-earlier',
    page: consent({
      client: wiki,
      account: grace,
      scopes: [{ ...openid, alreadyAllowed: true }, { ...profile, alreadyAllowed: true }, groups(team)],
    }),
  },
  {
    name: 'consent-all-earlier',
    page: consent({ scopes: [openid, email].map((item) => ({ ...item, alreadyAllowed: true })) }),
  },
  { name: 'consent-device', page: consent({ client: cli, scopes: [openid, report] }) },
  {
    name: 'consent-custom-scheme',
    page: consent({
      client: {
        name: 'Pocket Notes',
        destination: { kind: 'customScheme', scheme: 'com.example.notes:' },
        standing: 'known',
      },
    }),
  },
  { name: 'consent-unverified', page: consent({ client: stranger, scopes: [openid, email], offline: true }) },
  {
    name: 'consent-long',
    page: consent({ client: longClient, account: longPerson, scopes: longScopes, offline: true }),
  },
]

const setUps: readonly Sample[] = [
  {
    name: 'set-up',
    page: {
      kind: 'setUp',
      values: { username: '', displayName: '', email: '' },
      problems: {},
      passwordMinLength: 12,
      form,
    },
  },
  {
    name: 'set-up-wrong',
    page: {
      kind: 'setUp',
      values: { username: 'ada lovelace', displayName: '', email: 'ada' },
      problems: {
        username: 'invalid',
        displayName: 'missing',
        email: 'invalid',
        password: 'tooShort',
        passwordRepeat: 'different',
      },
      passwordMinLength: 12,
      form,
    },
  },
  {
    name: 'set-up-expired',
    page: {
      kind: 'setUp',
      values: { username: 'ada', displayName: 'Ada Lovelace', email: 'ada@example.com' },
      problems: { form: 'expiredForm' },
      passwordMinLength: 12,
      form,
    },
  },
  { name: 'done', page: { kind: 'done', account: ada, homeUrl: '/' } },
]

/** Every variant, in the order in which a person would meet them. */
const device: DeviceConfirmPage = {
  kind: 'deviceConfirm',
  clientName: 'Example CLI',
  place: { kind: 'web', host: 'cli.example.com' },
  policyUrl: 'https://cli.example.com/privacy',
  termsUrl: undefined,
  userCode: 'BDFG-HJKL',
  network: '192.0.2.7',
  account: ada,
  scopes: [openid, profile, email],
  offline: true,
  form,
}

const devices: readonly Sample[] = [
  { name: 'device-confirm', page: device },
  {
    name: 'device-confirm-worst',
    page: {
      ...device,
      clientName: longClient.name,
      place: { kind: 'identifier', clientId: `client-${'x'.repeat(200)}` },
      network: '2001:0db8:85a3:0000:0000:8a2e:0370:7334',
      account: longPerson,
      scopes: [],
      offline: false,
    },
  },
]

export const samples: readonly Sample[] = [
  ...signIn,
  {
    name: 'select-account',
    page: {
      kind: 'selectAccount',
      client: grafana,
      accounts: [
        { ...ada, value: 'a1' },
        { ...grace, value: 'a2' },
      ],
      form,
    },
  },
  {
    name: 'select-account-long',
    page: {
      kind: 'selectAccount',
      client: longClient,
      accounts: [
        { ...longPerson, value: 'a1' },
        { displayName: '', username: 'w'.repeat(120), value: 'a2' },
      ],
      form,
    },
  },
  ...consents,
  ...errors,
  {
    name: 'error-with-details',
    page: {
      kind: 'error',
      problem: 'requestInvalid',
      reference: '7KQ4-M2XD',
      details: [
        { kind: 'error', value: 'invalid_request' },
        { kind: 'description', value: 'The parameter "code_challenge" is missing.' },
        { kind: 'clientId', value: 'grafana' },
        { kind: 'occurredAt', value: '2026-03-14 09:26:53 UTC' },
      ],
      back: { clientName: 'Grafana', url: 'https://grafana.example.com/' },
    },
  },
  {
    name: 'error-long',
    page: {
      kind: 'error',
      problem: 'redirectUriInvalid',
      reference: 'R'.repeat(120),
      details: [{ kind: 'clientId', value: `https://${'client.'.repeat(40)}example/` }],
      back: { clientName: longClient.name, url: 'https://example.com/' },
    },
  },
  { name: 'sign-out', page: { kind: 'signOut', accounts: [ada], form, stayUrl: '/' } },
  {
    name: 'sign-out-several',
    page: { kind: 'signOut', accounts: [ada, grace, longPerson], client: wiki, form, stayUrl: '/' },
  },
  { name: 'sign-out-nobody', page: { kind: 'signOut', accounts: [], form, stayUrl: '/' } },
  {
    name: 'signed-out',
    page: {
      kind: 'signedOut',
      signInUrl: '/sign-in',
      back: { clientName: 'Grafana', url: 'https://grafana.example.com/' },
    },
  },
  ...setUps,
  { name: 'signed-out-others', page: { kind: 'signedOut', othersUrl: '/' } },
  {
    name: 'error-logout-uri',
    page: {
      kind: 'error',
      problem: 'logoutUriInvalid',
      reference: 'KQ4M-7TRW',
      details: [{ kind: 'description', value: 'post_logout_redirect_uri is not registered for this client' }],
      signOutUrl: '/sign-out',
    },
  },
  { name: 'home', page: { kind: 'home', accounts: [ada], signOutForm: form } },
  {
    name: 'home-several',
    page: { kind: 'home', accounts: [ada, grace, longPerson], signOutForm: form, signInUrl: '/sign-in' },
  },
  { name: 'home-nobody', page: { kind: 'home', accounts: [], signInUrl: '/sign-in' } },
  { name: 'device-code', page: { kind: 'deviceCode', form } },
  { name: 'device-code-wrong', page: { kind: 'deviceCode', problem: { kind: 'unknown' }, form } },
  {
    name: 'device-code-throttled',
    page: { kind: 'deviceCode', problem: { kind: 'throttled', waitSeconds: 600 }, form },
  },
  ...devices,
  { name: 'device-allowed', page: { kind: 'deviceDone', allowed: true, clientName: 'Example CLI', homeUrl: '/' } },
  { name: 'device-denied', page: { kind: 'deviceDone', allowed: false, clientName: 'Example CLI', homeUrl: '/' } },
  {
    name: 'form-post',
    page: {
      kind: 'formPost',
      action: 'https://grafana.example.com/login/callback',
      fields: [
        { name: 'code', value: 'c0de' },
        { name: 'state', value: 's<t"a&te' },
        { name: 'iss', value: 'https://id.example.com' },
      ],
      clientName: 'Grafana',
    },
  },
]
