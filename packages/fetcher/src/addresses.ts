// Owns which addresses may be connected to (IANA special-purpose registries of IPv4 and IPv6). Never resolves a name.

import { BlockList, isIP } from 'node:net'
import { FetcherOptionError } from './types.ts'

type Family = 'ipv4' | 'ipv6'

const familyOf = (address: string): Family | undefined => {
  // A zone names an interface of this machine; nobody else can mean one.
  if (address.includes('%')) return undefined
  const version = isIP(address)
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : undefined
}

const PREFIX = { ipv4: 32, ipv6: 128 } as const

const addNetwork = (list: BlockList, network: string): boolean => {
  const [address = '', prefix, ...more] = network.split('/')
  const family = familyOf(address)
  if (family === undefined || more.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) return false
  const bits = prefix === undefined ? PREFIX[family] : Number(prefix)
  if (bits > PREFIX[family]) return false
  list.addSubnet(address, bits, family)
  return true
}

const listOf = (networks: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const network of networks) if (!addNetwork(list, network)) throw new Error(`not a network: ${network}`)
  return list
}

// RFC 6890 §2.2.2 and its registry: this network, private, shared (RFC 6598), loopback, link-local with the metadata services of
// clouds, protocol assignments, documentation, the 6to4 relay, benchmarking, multicast, reserved with the broadcast address.
const SPECIAL_V4 = listOf([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Public by number and internal by use: the host agent of one large cloud.
  '168.63.129.16/32',
])

// Global unicast is this one block (RFC 4291 §2.4); whatever is outside is loopback, unique-local, link-local, multicast, mapped, or nothing yet.
const GLOBAL_V6 = listOf(['2000::/3'])
// Within it: protocol assignments with Teredo, documentation (twice), and 6to4, which embeds an IPv4 address.
const SPECIAL_V6 = listOf(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'])
const TRANSLATED_V6 = listOf(['64:ff9b::/96'])
const MAPPED_V6 = listOf(['::ffff:0:0/96'])
const LOOPBACK_V4 = listOf(['127.0.0.0/8'])
const LOOPBACK_V6 = listOf(['::1/128'])

/** The IPv4 address in the last 32 bits (RFC 6052 §2.2), of an address in whatever spelling. */
const embeddedIn = (address: string): string => {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const groups = canonical.split(':').slice(-2)
  const [high = 0, low = 0] = groups.map((group) => Number.parseInt(group === '' ? '0' : group, 16))
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

const isPublic = (address: string, family: Family): boolean => {
  if (family === 'ipv4') return !SPECIAL_V4.check(address, family)
  // On a network that speaks IPv6 alone, IPv4 is reached through here: what counts is what it leads to (RFC 6052 §3.1).
  if (TRANSLATED_V6.check(address, family)) return isPublic(embeddedIn(address), 'ipv4')
  return GLOBAL_V6.check(address, family) && !SPECIAL_V6.check(address, family)
}

/** Whether an address is this machine's own loopback. */
export const isLoopbackAddress = (address: string): boolean => {
  const family = familyOf(address)
  if (family === undefined) return false
  return family === 'ipv4' ? LOOPBACK_V4.check(address, family) : LOOPBACK_V6.check(address, family)
}

/** Whether a connection to an address is allowed. */
export type AddressRule = (address: string) => boolean

/** Makes the rule: public addresses, loopback where that is allowed, and the networks given. Throws a `FetcherOptionError` for what is no network. */
export const addressRule = (allowed: {
  readonly loopback: boolean
  readonly networks: readonly string[]
}): AddressRule => {
  const networks = new BlockList()
  for (const network of allowed.networks) {
    if (!addNetwork(networks, network)) {
      throw new FetcherOptionError('allowedNetworks', 'must be networks such as 10.0.0.0/8 or fd00::/8')
    }
  }
  return (address) => {
    const family = familyOf(address)
    if (family === undefined) return false
    // Another spelling of an IPv4 address: no name needs it, and lists of networks are easily read without it in mind.
    if (family === 'ipv6' && MAPPED_V6.check(address, family)) return false
    if (allowed.loopback && isLoopbackAddress(address)) return true
    return isPublic(address, family) || networks.check(address, family)
  }
}
