// Owns the default way from a name to its addresses: DNS alone. Never judges an address.

import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'

/** All addresses of a name; none, or a rejection, when there are none. Asked once per request. */
export type Lookup = (host: string, signal: AbortSignal) => Promise<readonly string[]>

// One name server may be slow; the second try must still fit into the time of the whole request.
const PATIENCE = { timeout: 1500, tries: 2 }

/**
 * Asks DNS directly: the system's own resolver waits on the few threads that hash passwords too, and whoever runs a slow name server could
 * hold them all. So names come from DNS alone, without the hosts file and search domains; `localhost` is this machine (RFC 6761 §6.3).
 */
export const lookupByDns: Lookup = async (host, signal) => {
  if (isIP(host) !== 0) return [host]
  if (host === 'localhost' || host.endsWith('.localhost')) return ['127.0.0.1', '::1']
  const resolver = new Resolver(PATIENCE)
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  const asked = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  signal.removeEventListener('abort', cancel)
  return asked.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
}
