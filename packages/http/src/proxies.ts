// Owns whom to believe about where a request came from. Never believes a header that was not sent by a listed address.

import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { Peer } from './incoming.ts'

/** The peer of a request, and whether a listed proxy stands in between. */
export interface FoundPeer extends Peer {
  readonly fromProxy: boolean
}

/** Works out the peer of a request. */
export type FindPeer = (request: IncomingMessage) => FoundPeer

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

const plainAddress = (address: string): string => MAPPED.exec(address)?.[1] ?? address

/** An address out of X-Forwarded-For, with or without a port; undefined for anything else. */
const hopAddress = (text: string): string | undefined => {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([^:]+):\d+$/.exec(text)?.[1] ?? text
  return isIP(bare) === 0 ? undefined : plainAddress(bare)
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 4 ? 'ipv4' : 'ipv6')

const trustedList = (ranges: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits, ...rest] = range.split('/')
    const family = isIP(address)
    const most = family === 4 ? 32 : 128
    const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
    if (family === 0 || rest.length > 0 || !(length <= most)) {
      throw new TypeError(`trustProxy: not an address or a range in CIDR form: ${range}`)
    }
    list.addSubnet(address, length, familyOf(address))
  }
  return list
}

/** The values of a list header in order of arrival, over all its occurrences. */
const listed = (request: IncomingMessage, name: string): readonly string[] => {
  const { rawHeaders } = request
  const values: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === name) values.push(...(rawHeaders[i + 1] ?? '').split(','))
  }
  return values.map((value) => value.trim())
}

const isEncrypted = (socket: IncomingMessage['socket']): boolean => 'encrypted' in socket && socket.encrypted === true

const hostHeader = (request: IncomingMessage): string | undefined =>
  // An absolute target outranks the Host header (RFC 9112 §3.2.2).
  /^https?:\/\/([^/?#]*)/i.exec(request.url ?? '')?.[1] ?? request.headers.host

/**
 * Believes X-Forwarded-For, -Host and -Proto from the listed addresses alone, and goes from the right to the first hop that is not
 * listed: what stands further left anybody can have written. Throws a TypeError for a range that is none.
 */
export const peerFinder = (trustProxy: readonly string[]): FindPeer => {
  const trusted = trustedList(trustProxy)
  const isTrusted = (address: string): boolean => isIP(address) !== 0 && trusted.check(address, familyOf(address))
  return (request) => {
    const socketAddress = plainAddress(request.socket.remoteAddress ?? '')
    const direct: FoundPeer = {
      fromProxy: false,
      remoteAddress: socketAddress,
      host: hostHeader(request),
      secure: isEncrypted(request.socket),
    }
    if (!isTrusted(socketAddress)) return direct
    let remoteAddress = socketAddress
    for (const hop of listed(request, 'x-forwarded-for').toReversed()) {
      const address = hopAddress(hop)
      if (address === undefined) break
      remoteAddress = address
      if (!isTrusted(address)) break
    }
    const proto = listed(request, 'x-forwarded-proto').at(-1)
    return {
      fromProxy: true,
      remoteAddress,
      host: listed(request, 'x-forwarded-host').at(-1) ?? direct.host,
      secure: proto === undefined ? direct.secure : proto.toLowerCase() === 'https',
    }
  }
}
