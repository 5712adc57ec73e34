// Owns what may stand in a log: every value passes here before it is written. Never lets a credential or a line break through.

const HIDDEN = '[hidden]'
const MAX_TEXT = 2000
const MAX_DEPTH = 6
const MAX_ITEMS = 100

// Fields that hold something spendable or what a person typed, whoever logs them and however deep. In one spelling: without case, - and _.
const HIDDEN_FIELDS: ReadonlySet<string> = new Set([
  'accesstoken',
  'assertion',
  'authorization',
  'body',
  'clientassertion',
  'clientsecret',
  'code',
  'codeverifier',
  'cookie',
  'cookies',
  'csrf',
  'csrftoken',
  'currentpassword',
  'devicecode',
  'headers',
  'hint',
  'idtoken',
  'idtokenhint',
  'jwt',
  'loginhint',
  'newpassword',
  'nonce',
  'passphrase',
  'password',
  'passwordhash',
  'passwordrepeat',
  'privatejwk',
  'privatekey',
  'query',
  'refreshtoken',
  'rawheaders',
  'sealedprivatekey',
  'secret',
  'secrets',
  'setcookie',
  'state',
  'token',
  'tokens',
  'usercode',
  'verifier',
])

const isHiddenField = (name: string): boolean => HIDDEN_FIELDS.has(name.toLowerCase().replace(/[-_]/g, ''))

// A name and a value of a query or a form, wherever they stand in a text.
const PARAMETER = /([?&;\s"'(]|^)([A-Za-z_][A-Za-z0-9_.-]{0,60})=([^&\s"'<>)]+)/g
// User and password in an address.
const USERINFO = /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^/@\s"']+@/gi
// Three base64url parts: a JWT, whatever it is for.
const JWT = /\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*/g
const SCHEME_CREDENTIALS = /\b(Bearer|Basic|DPoP)\s+[A-Za-z0-9._~+/=-]{8,}/gi
// Whole runs, with no word boundary at their ends: a token may begin or end with a dash.
const SPENDABLE = /\bvcs_[A-Za-z0-9_-]{20,}|[A-Za-z0-9_-]{43,}/g
// Control characters that JSON leaves as they are (DEL, the C1 set with its terminal sequences), line and paragraph separators, and marks that reorder text.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/**
 * A text as it may be logged: one line, of bounded length, without the values of parameters, without user information in addresses and
 * without anything that looks like a token, a secret or a digest. Line breaks become visible escapes; in a stack they stay, since JSON
 * escapes them.
 */
export const cleanText = (text: string, keep: 'oneLine' | 'lines' = 'oneLine'): string => {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
  const without = short
    .replace(USERINFO, `$1${HIDDEN}@`)
    .replace(SCHEME_CREDENTIALS, `$1 ${HIDDEN}`)
    .replace(JWT, HIDDEN)
    .replace(PARAMETER, `$1$2=${HIDDEN}`)
    .replace(SPENDABLE, HIDDEN)
  return without.replace(UNPRINTABLE, (character) =>
    keep === 'lines' && character === '\n' ? '\n' : escaped(character),
  )
}

const cleanError = (error: Error, depth: number): unknown => ({
  type: error.name,
  ...('code' in error && typeof error.code === 'string' ? { code: cleanText(error.code) } : {}),
  message: cleanText(error.message),
  ...(error.stack === undefined ? {} : { stack: cleanText(error.stack, 'lines') }),
  ...(error.cause === undefined ? {} : { cause: cleanAt(error.cause, depth + 1) }),
})

const cleanObject = (value: object, depth: number): unknown => {
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => cleanAt(item, depth + 1))
  // A value that says how it prints (a Secret, a Date) is asked; what it answers is cleaned like any other.
  if ('toJSON' in value && typeof value.toJSON === 'function') return cleanAt(value.toJSON(), depth + 1)
  const entries = value instanceof Map ? [...value].map(([name, item]) => [String(name), item]) : Object.entries(value)
  return Object.fromEntries(
    entries
      .slice(0, MAX_ITEMS)
      .map(([name, item]) => [cleanText(name), isHiddenField(name) ? HIDDEN : cleanAt(item, depth + 1)]),
  )
}

const cleanAt = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return cleanText(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (depth > MAX_DEPTH) return '[too deep]'
  if (ArrayBuffer.isView(value)) return '[bytes]'
  return value instanceof Error ? cleanError(value, depth) : cleanObject(value, depth)
}

/** A value as it may be logged: fields of credentials hidden at any depth, texts cleaned, errors by name, code, message and stack, nothing endless. */
export const cleanValue = (value: unknown): unknown => cleanAt(value, 0)

/** A request's address as it may be logged: its path, and of its query the names alone. */
export const cleanUrl = (url: string): { readonly path: string; readonly parameters: readonly string[] } => {
  const [path = '', query = ''] = url.split('?', 2)
  const names = query
    .split('&')
    .map((pair) => pair.split('=', 1)[0] ?? '')
    .filter((name) => name !== '')
  return {
    path: cleanText(path),
    parameters: [...new Set(names)].slice(0, MAX_ITEMS).map((name) => cleanText(name.slice(0, 100))),
  }
}
