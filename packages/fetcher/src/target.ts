// Owns which URLs are ever asked, by their text alone. Never resolves a name and never judges an address: see addresses.ts.

/** Where a request goes. */
export interface Target {
  /** As the parser wrote it: what is counted and cooled down by. */
  readonly href: string
  readonly origin: string
  readonly secure: boolean
  /** A name in ASCII, or an address without brackets. */
  readonly host: string
  readonly port: number
  /** The `Host` header. */
  readonly authority: string
  /** Path and query. */
  readonly path: string
}

const MAX_URL = 2048

// Parsers drop some of these and turn others into something else, so that what was checked is not what is asked.
const AMBIGUOUS = /[\s\\\p{Cc}\p{Cf}]/u
const AUTHORITY = /^https?:\/\/([^/?#]+)/i
// A name in ASCII that does not end with a dot (that would be the same host under another name), or an address.
const HOST = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:]+\])$/
const IPV4 = /^\d+\.\d+\.\d+\.\d+$/

// Ports of services that are not HTTP and can be talked into something by lines of it (Fetch, "bad port"). Below 1024 only the usual
// two are asked at all.
const OTHER_SERVICES: ReadonlySet<number> = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
])

const isPort = (port: number): boolean => port === 80 || port === 443 || (port >= 1024 && !OTHER_SERVICES.has(port))

/** Takes a URL apart; undefined for one that is never asked: other schemes, user information, fragments, disguised hosts, other services' ports. */
export const parseTarget = (text: string): Target | undefined => {
  const written = AUTHORITY.exec(text)?.[1]
  if (written === undefined || text.length > MAX_URL || AMBIGUOUS.test(text)) return undefined
  if (written.includes('@') || text.includes('#') || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (!HOST.test(url.hostname)) return undefined
  // `127.1`, `0x7f.1` and `2130706433` are addresses in disguise.
  if (IPV4.test(url.hostname) && written.split(':', 1)[0] !== url.hostname) return undefined
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  if (!isPort(port)) return undefined
  return {
    href: url.href,
    origin: url.origin,
    secure,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    authority: url.host,
    path: `${url.pathname}${url.search}`,
  }
}
