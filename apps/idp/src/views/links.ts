// Owns which addresses a page may carry. Never rewrites one beyond the URL standard's own serialisation.
// A template cannot check an address (escaping leaves `javascript:` whole), so each goes through here first.

// Parsers of browsers drop tabs and line feeds and read a backslash as a slash; such an address is not what it seems.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONFUSING = /[\u0000-\u0020\u007f\\]/u

const parseUrl = (address: string): URL | undefined => {
  if (CONFUSING.test(address) || !URL.canParse(address)) return undefined
  const url = new URL(address)
  // A name before an @ is there to be mistaken for the host.
  return url.username === '' && url.password === '' ? url : undefined
}

/** The address, if a page may link to it: absolute https without credentials; else undefined. */
export const httpsLink = (address: string | undefined): string | undefined => {
  if (address === undefined) return undefined
  const url = parseUrl(address)
  return url?.protocol === 'https:' ? url.href : undefined
}

/** The target of a form_post response: absolute http or https; anything else throws, for the caller verified it. */
export const postTarget = (address: string): string => {
  const url = parseUrl(address)
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new TypeError('a form_post target must be an absolute http or https address')
  }
  // As registered, not as re-serialised: the client compares what it receives.
  return address
}

/** A path of this server, such as "/sign-out"; anything that a browser could read as another site throws. */
export const ownPath = (path: string): string => {
  if (!path.startsWith('/') || path.startsWith('//') || CONFUSING.test(path)) {
    throw new TypeError('a page of ours must point to a path of ours')
  }
  return path
}
