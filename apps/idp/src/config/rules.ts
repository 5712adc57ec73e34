// Owns how settings go together, and what production refuses. Never reads anything but the settings.

import { BlockList, isIP } from 'node:net'
import { isLoopbackIssuer, parseIssuer } from './issuer.ts'
import { type ConfigProblem, problem } from './problem.ts'
import { parseStrongSecret } from './secret-strength.ts'
import type { RawSettings } from './settings.ts'

type Rule = (settings: RawSettings) => readonly ConfigProblem[]

/** The issuer that holds when none is set: this machine, on the port that is set. */
export const defaultIssuer = ({ port }: Pick<RawSettings, 'port'>): string => `http://localhost:${port}`

const issuerRule: Rule = (settings) => {
  const production = settings.environment === 'production'
  if (settings.issuer === undefined) {
    return production ? [problem('issuer', 'is needed in production, such as https://id.example.org.')] : []
  }
  const parsed = parseIssuer(settings.issuer)
  if (!parsed.ok) return [problem('issuer', parsed.error)]
  if (production && settings.issuer.startsWith('http:') && !isLoopbackIssuer(settings.issuer)) {
    return [
      problem('issuer', 'must begin with https:// in production: over plain http, anybody on the way reads passwords.'),
    ]
  }
  return []
}

const isHttps = (settings: RawSettings): boolean => settings.issuer?.startsWith('https:') ?? false

const tlsRule: Rule = (settings) => {
  const { tlsCert, tlsKey } = settings
  if (tlsCert !== undefined && tlsKey === undefined) return [problem('tlsKey', 'is needed, since TLS_CERT is set.')]
  if (tlsKey !== undefined && tlsCert === undefined) return [problem('tlsCert', 'is needed, since TLS_KEY is set.')]
  if (tlsCert !== undefined && !isHttps(settings)) {
    return [problem('issuer', 'must begin with https://, since TLS_CERT is set.')]
  }
  if (tlsCert === undefined && isHttps(settings) && settings.trustedProxies.length === 0) {
    return [
      problem(
        'tlsCert',
        'and TLS_KEY are needed for an https issuer, or TRUSTED_PROXIES names the proxy that ends TLS.',
      ),
    ]
  }
  return []
}

const isNetwork = (text: string): boolean => {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  if (prefix === undefined) return true
  if (!/^\d{1,3}$/.test(prefix)) return false
  try {
    new BlockList().addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6')
    return true
  } catch {
    return false
  }
}

const proxyRule: Rule = ({ trustedProxies }) => {
  const wrong = trustedProxies.filter((entry) => !isNetwork(entry))
  // A network of everybody would let everybody choose the address he is counted under.
  const everybody = trustedProxies.filter((entry) => /\/0+$/.test(entry) && isNetwork(entry))
  return [
    ...wrong.map((entry) =>
      problem('trustedProxies', `holds ${JSON.stringify(entry)}, which is no address or network.`),
    ),
    ...everybody.map((entry) => problem('trustedProxies', `holds ${entry}, which would trust everybody.`)),
  ]
}

const fetchRule: Rule = ({ environment, fetchLoopback, fetchAllowedNetworks }) => {
  const wrong = fetchAllowedNetworks.filter((entry) => !isNetwork(entry) || /\/0+$/.test(entry))
  return [
    ...wrong.map((entry) =>
      problem('fetchAllowedNetworks', `holds ${JSON.stringify(entry)}, which is no network, or all of them.`),
    ),
    // On this machine, an app's address would reach what listens for nobody but its neighbours.
    ...(environment === 'production' && fetchLoopback === true
      ? [problem('fetchLoopback', 'must not be set in production.')]
      : []),
  ]
}

const databaseRule: Rule = ({ databaseUrl }) => {
  if (databaseUrl === undefined) return []
  if (!/^postgres(?:ql)?:\/\//.test(databaseUrl))
    return [problem('databaseUrl', 'must begin with postgres:// or postgresql://.')]
  // Several hosts (postgres://a:5432,b:5432/x) or none (postgres://user@/x?host=/run) are no URL, and understood all the same.
  const single = databaseUrl.replace(/,[^/?#]*/, '').replace(/@(?=\/)/, '@localhost')
  return URL.canParse(single)
    ? []
    : [problem('databaseUrl', 'is not an address such as postgres://user:password@host:5432/database.')]
}

const secretRule: Rule = ({ keyEncryptionSecret, keyEncryptionSecretPrevious, environment }) => {
  const problems: ConfigProblem[] = []
  if (keyEncryptionSecret === undefined && environment === 'production') {
    problems.push(problem('keyEncryptionSecret', 'is needed in production; make one with `openssl rand -base64 32`.'))
  }
  const parsed = keyEncryptionSecret === undefined ? undefined : parseStrongSecret(keyEncryptionSecret)
  if (parsed?.ok === false) problems.push(problem('keyEncryptionSecret', parsed.error))
  for (const [index, previous] of keyEncryptionSecretPrevious.entries()) {
    const earlier = parseStrongSecret(previous)
    if (!earlier.ok) problems.push(problem('keyEncryptionSecretPrevious', `number ${index + 1} ${earlier.error}`))
  }
  return problems
}

const lifetimeRule: Rule = (settings) => {
  const problems: ConfigProblem[] = []
  if (settings.sessionIdle > settings.sessionAbsolute) {
    problems.push(problem('sessionIdle', 'must not be longer than SESSION_ABSOLUTE.'))
  }
  if (settings.keyKeepAfter < settings.idTokenLifetime) {
    problems.push(
      problem('keyKeepAfter', 'must not be shorter than ID_TOKEN_LIFETIME: its tokens could not be verified.'),
    )
  }
  if (settings.keyRotateEvery <= settings.keyPublishAhead) {
    problems.push(problem('keyRotateEvery', 'must be longer than KEY_PUBLISH_AHEAD.'))
  }
  if (settings.loginBaseDelay > settings.loginMaxDelay) {
    problems.push(problem('loginBaseDelay', 'must not be longer than LOGIN_MAX_DELAY.'))
  }
  if (settings.networkBaseDelay > settings.networkMaxDelay) {
    problems.push(problem('networkBaseDelay', 'must not be longer than NETWORK_MAX_DELAY.'))
  }
  return problems
}

const certificateRule: Rule = (settings) => {
  const { mtlsPort, mtlsClientCa, clientCertHeader, mtlsEndpointBase, port } = settings
  const problems: ConfigProblem[] = []
  const behindProxy = clientCertHeader !== 'off'
  if (mtlsPort !== 0 && settings.tlsCert === undefined)
    problems.push(problem('mtlsPort', 'needs TLS_CERT and TLS_KEY.'))
  if (mtlsPort !== 0 && mtlsPort === port) problems.push(problem('mtlsPort', 'must be another port than PORT.'))
  if (mtlsClientCa !== undefined && mtlsPort === 0)
    problems.push(problem('mtlsClientCa', 'has a meaning with MTLS_PORT only.'))
  if (behindProxy && settings.trustedProxies.length === 0) {
    problems.push(problem('clientCertHeader', 'needs TRUSTED_PROXIES: a header that anybody can send proves nothing.'))
  }
  if (mtlsEndpointBase === undefined) return problems
  if (mtlsPort === 0 && !behindProxy) {
    problems.push(problem('mtlsEndpointBase', 'has a meaning with MTLS_PORT or CLIENT_CERT_HEADER only.'))
  }
  const parsed = parseIssuer(mtlsEndpointBase)
  if (!parsed.ok) problems.push(problem('mtlsEndpointBase', parsed.error))
  else if (!mtlsEndpointBase.startsWith('https:'))
    problems.push(problem('mtlsEndpointBase', 'must begin with https://.'))
  return problems
}

const scopeRule: Rule = ({ dynamicClientScopes }) =>
  dynamicClientScopes
    .filter((scope) => !/^[\x21\x23-\x5B\x5D-\x7E]{1,100}$/.test(scope))
    .map((scope) => problem('dynamicClientScopes', `holds ${JSON.stringify(scope)}, which is no scope.`))

const RULES: readonly Rule[] = [
  issuerRule,
  tlsRule,
  proxyRule,
  fetchRule,
  certificateRule,
  databaseRule,
  secretRule,
  lifetimeRule,
  scopeRule,
]

/** Every fault of the settings taken together, all at once. */
export const checkRules = (settings: RawSettings): readonly ConfigProblem[] => RULES.flatMap((rule) => rule(settings))
