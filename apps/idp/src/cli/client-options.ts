// Owns the options that describe a client, and the member of its metadata that each sets. Never judges a value: registration does.

import { readFile } from 'node:fs/promises'
import { CLIENT_AUTH_METHODS, err, type Json, type JsonObject, ok, parseJson, type Result } from '@vouchsafe/core'
import type { Arguments } from './arguments.ts'
import type { OptionSpec } from './command.ts'

type Kind = 'text' | 'list' | 'toggle' | 'number'

interface Member {
  readonly option: string
  readonly member: string
  readonly kind: Kind
  readonly spec: OptionSpec
}

/** Names of a certificate, of which tls_client_auth takes exactly one (RFC 8705 §2.1.2). */
const certificateOptions: readonly Member[] = [
  ['subject-dn', 'NAME', 'subject, such as "CN=app,O=Example"'],
  ['san-dns', 'HOST', 'host name'],
  ['san-uri', 'URI', 'URI'],
  ['san-ip', 'ADDRESS', 'IP address'],
  ['san-email', 'ADDRESS', 'e-mail address'],
].map(([name = '', value = '', words = '']) => ({
  option: `tls-${name}`,
  member: `tls_client_auth_${name.replace('-', '_')}`,
  kind: 'text',
  spec: { kind: 'text', value, words: `For tls_client_auth: the ${words} that its certificate must have.` },
}))

/** Options and the member of the metadata that each sets (RFC 7591 §2, and our own). */
const MEMBERS: readonly Member[] = [
  {
    option: 'name',
    member: 'client_name',
    kind: 'text',
    spec: { kind: 'text', value: 'NAME', words: 'What people are told the app is called.' },
  },
  {
    option: 'redirect-uri',
    member: 'redirect_uris',
    kind: 'list',
    spec: { kind: 'list', value: 'URI', words: 'Where people are sent back to, exactly; may be repeated.' },
  },
  {
    option: 'post-logout-redirect-uri',
    member: 'post_logout_redirect_uris',
    kind: 'list',
    spec: {
      kind: 'list',
      value: 'URI',
      words: 'Where people may be sent after signing out, exactly; may be repeated.',
    },
  },
  {
    option: 'backchannel-logout-uri',
    member: 'backchannel_logout_uri',
    kind: 'text',
    spec: { kind: 'text', value: 'URL', words: 'Where the app itself is told that a session ended.' },
  },
  {
    option: 'type',
    member: 'application_type',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['web', 'native'],
      words: 'web (the default), or native for apps on a device, which may use loopback and schemes of their own.',
    },
  },
  {
    option: 'auth',
    member: 'token_endpoint_auth_method',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: [...CLIENT_AUTH_METHODS].toSorted(),
      words: 'How the app authenticates; client_secret_basic unless set, none for an app that can keep no secret.',
    },
  },
  ...certificateOptions,
  {
    option: 'jwks-uri',
    member: 'jwks_uri',
    kind: 'text',
    spec: {
      kind: 'text',
      value: 'URL',
      words: 'Where it publishes its public keys instead of --jwks-file: https, fetched when they are needed.',
    },
  },
  {
    option: 'certificate-bound',
    member: 'tls_client_certificate_bound_access_tokens',
    kind: 'toggle',
    spec: { kind: 'toggle', words: 'Its access tokens are bound to its certificate.' },
  },
  {
    option: 'dpop-bound',
    member: 'dpop_bound_access_tokens',
    kind: 'toggle',
    spec: { kind: 'toggle', words: 'It is given tokens bound to a key of its own alone (DPoP).' },
  },
  {
    option: 'scope',
    member: 'scope',
    kind: 'text',
    spec: { kind: 'text', value: '"SCOPE ..."', words: 'Scopes it may ask for; "openid profile email" unless set.' },
  },
  {
    option: 'pkce',
    member: 'pkce',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['required', 'optional'],
      words: 'optional lets a confidential app go without PKCE, with a nonce instead.',
    },
  },
  {
    option: 'nonce',
    member: 'nonce',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['required', 'optional'],
      words: 'optional lets a confidential app go without PKCE and without a nonce.',
    },
  },
  {
    option: 'grant-type',
    member: 'grant_types',
    kind: 'list',
    spec: {
      kind: 'list',
      value: 'GRANT_TYPE',
      words:
        'How it may get tokens; authorization_code unless set. May be repeated: refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, and for APIs that call others urn:ietf:params:oauth:grant-type:token-exchange or urn:ietf:params:oauth:grant-type:jwt-bearer.',
    },
  },
  {
    option: 'refresh-tokens',
    member: 'refresh_tokens',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['offline', 'always'],
      words: 'always gives refresh tokens without offline access too; those end with the session.',
    },
  },
  {
    option: 'id-token-alg',
    member: 'id_token_signed_response_alg',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['RS256', 'ES256', 'EdDSA'],
      words: 'What its ID tokens are signed with; RS256 unless set.',
    },
  },
  {
    option: 'id-token-claims',
    member: 'id_token_claims',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['minimal', 'scoped'],
      words: 'scoped puts the claims of the scopes into the ID token, for apps that never call userinfo.',
    },
  },
  {
    option: 'trusted',
    member: 'trusted',
    kind: 'toggle',
    spec: { kind: 'toggle', words: 'A trusted app asks nobody for consent.' },
  },
  {
    option: 'localhost-any-port',
    member: 'localhost_any_port',
    kind: 'toggle',
    spec: {
      kind: 'toggle',
      words: 'Whether http://localhost redirect URIs leave the port free, as loopback addresses do.',
    },
  },
  {
    option: 'default-max-age',
    member: 'default_max_age',
    kind: 'number',
    spec: { kind: 'number', value: 'SECONDS', words: 'Age of a sign-in beyond which it is asked for again.' },
  },
  {
    option: 'require-pushed-requests',
    member: 'require_pushed_authorization_requests',
    kind: 'toggle',
    spec: {
      kind: 'toggle',
      words: 'Whether the app must push its authorization requests before it sends a browser (PAR).',
    },
  },
  {
    option: 'require-signed-requests',
    member: 'require_signed_request_object',
    kind: 'toggle',
    spec: { kind: 'toggle', words: 'Whether the app must send its authorization requests as signed objects (JAR).' },
  },
  {
    option: 'request-alg',
    member: 'request_object_signing_alg',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
      words: 'The one algorithm of its request objects; any of these unless set.',
    },
  },
  {
    option: 'request-uri',
    member: 'request_uris',
    kind: 'list',
    spec: { kind: 'list', value: 'URL', words: 'Where request objects of it may be fetched from; may be repeated.' },
  },
  {
    option: 'response-alg',
    member: 'authorization_signed_response_alg',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['RS256', 'ES256', 'EdDSA'],
      words: 'What its signed authorization responses (JARM) are signed with; as its ID tokens unless set.',
    },
  },
  {
    option: 'cors-origin',
    member: 'cors_origins',
    kind: 'list',
    spec: { kind: 'list', value: 'ORIGIN', words: 'Origin whose scripts may read answers; may be repeated.' },
  },
  {
    option: 'client-uri',
    member: 'client_uri',
    kind: 'text',
    spec: { kind: 'text', value: 'URL', words: 'Home page of the app.' },
  },
  {
    option: 'initiate-login-uri',
    member: 'initiate_login_uri',
    kind: 'text',
    spec: {
      kind: 'text',
      value: 'URL',
      words: 'Where to send a person who wants to sign in at the app from elsewhere.',
    },
  },
  {
    option: 'contact',
    member: 'contacts',
    kind: 'list',
    spec: { kind: 'list', value: 'ADDRESS', words: 'Whom to write to about the app; may be repeated.' },
  },
  { option: 'logo-uri', member: 'logo_uri', kind: 'text', spec: { kind: 'text', value: 'URL', words: 'Its logo.' } },
  {
    option: 'policy-uri',
    member: 'policy_uri',
    kind: 'text',
    spec: { kind: 'text', value: 'URL', words: 'Its privacy policy.' },
  },
  {
    option: 'tos-uri',
    member: 'tos_uri',
    kind: 'text',
    spec: { kind: 'text', value: 'URL', words: 'Its terms of service.' },
  },
]

/** The options, for `client create` and `client update`. */
export const SETTING_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  ...Object.fromEntries(MEMBERS.map(({ option, spec }) => [option, spec])),
  'jwks-file': {
    kind: 'text',
    value: 'FILE',
    words: 'JWK Set with its public keys, for private_key_jwt and self_signed_tls_client_auth.',
  },
}

const memberValue = (args: Arguments, { option, kind }: (typeof MEMBERS)[number]): Json | undefined => {
  if (kind === 'list') return args.list(option)
  if (kind === 'toggle') return args.toggle(option)
  const text = args.text(option)
  return kind === 'number' && text !== undefined ? Number(text) : text
}

const readJwks = async (path: string): Promise<Result<Json, string>> => {
  try {
    const parsed = parseJson(await readFile(path, 'utf8'), 100_000)
    return parsed === undefined ? err(`${path} holds no JSON.`) : ok(parsed)
  } catch (error) {
    return err(
      `${path} cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'}).`,
    )
  }
}

/** The metadata that the options name, and nothing else. */
export const metadataFrom = async (args: Arguments): Promise<Result<JsonObject, string>> => {
  const named = MEMBERS.map((each) => [each.member, memberValue(args, each)] as const).filter(
    ([, value]) => value !== undefined,
  )
  const file = args.text('jwks-file')
  const jwks = file === undefined ? undefined : await readJwks(file)
  if (jwks?.ok === false) return jwks
  return ok({ ...Object.fromEntries(named), ...(jwks === undefined ? {} : { jwks: jwks.value }) })
}

/** The option that sets a member. */
export const optionOf = (member: string): string => {
  const found = MEMBERS.find((each) => each.member === member)
  if (member === 'client_id') return '--id'
  return found === undefined ? '--jwks-file' : `--${found.option}`
}

/** The members that `--unset` takes away, as null. */
export const unsetMembers = (args: Arguments): JsonObject =>
  Object.fromEntries(
    (args.list('unset') ?? []).map((option) => [
      MEMBERS.find((each) => each.option === option)?.member ?? 'jwks',
      null,
    ]),
  )
