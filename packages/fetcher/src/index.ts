// The door for Node: every name resolved once, all its addresses judged, the connection pinned to them. Never follows a redirect, keeps
// a cookie, reads a proxy setting or trusts a certificate less than it should.

import { type AddressRule, addressRule, isLoopbackAddress } from './addresses.ts'
import { connectToAny } from './connect.ts'
import { exchange } from './exchange.ts'
import { type GuardOptions, guard, positive, type Send } from './guard.ts'
import { type Lookup, lookupByDns } from './resolve.ts'
import type { Target } from './target.ts'
import { type Fetcher, type FetchOutcome, refused } from './types.ts'

export type { CoolDownTimes } from './cool-down.ts'
export type { GateLimits } from './gate.ts'
export type { GuardOptions } from './guard.ts'
export type { Lookup } from './resolve.ts'
export { type Fetcher, FetcherOptionError, type FetchOutcome, type FetchRefusal, type FetchRequest } from './types.ts'

/** What a fetcher for Node is made of. */
export interface FetcherOptions extends GuardOptions {
  /** Networks that may be reached besides public addresses, such as `10.20.0.0/16` or `fd12:3456::/32`. */
  readonly allowedNetworks?: readonly string[]
  /** For development: this machine may be reached, by http too. */
  readonly allowLoopback?: boolean
  /** Certificates to trust instead of those that Node trusts (PEM). */
  readonly certificates?: readonly string[]
  /** Milliseconds to connect to one address. */
  readonly connectTimeout?: number
  /** From a name to all its addresses; DNS unless given. */
  readonly lookup?: Lookup
}

const CONNECT_TIMEOUT = 2000

interface Judge {
  readonly isAllowed: AddressRule
  readonly allowLoopback: boolean
}

/** Why a target at these addresses is not asked; undefined when it may be. */
const refuseAddresses = (target: Target, addresses: readonly string[], judge: Judge): FetchOutcome | undefined => {
  if (addresses.length === 0) return refused('unreachable')
  // One forbidden address among several is how a name is made to lead inside now and then.
  if (!addresses.every(judge.isAllowed)) return refused('addressForbidden')
  // What goes in clear leaves this machine never.
  const clear = judge.allowLoopback && addresses.every(isLoopbackAddress)
  return target.secure || clear ? undefined : refused('urlUnacceptable')
}

/**
 * Makes a fetcher. Throws a `FetcherOptionError` for options that cannot be worked with.
 *
 * ```ts compiled
 * import { createFetcher } from '@vouchsafe/fetcher'
 *
 * const fetcher = createFetcher({ allowedNetworks: ['10.20.0.0/16'] })
 * const answer = await fetcher.fetch({
 *   url: 'https://app.example/jwks.json',
 *   method: 'GET',
 *   headers: new Map([['accept', 'application/json']]),
 *   body: undefined,
 *   maxBytes: 65_536,
 * })
 * if (answer.outcome === 'refused') console.log(answer.reason)
 * ```
 */
export const createFetcher = (options: FetcherOptions = {}): Fetcher => {
  const allowLoopback = options.allowLoopback ?? false
  const isAllowed = addressRule({ loopback: allowLoopback, networks: options.allowedNetworks ?? [] })
  const timeout = positive('connectTimeout', options.connectTimeout ?? CONNECT_TIMEOUT)
  const lookup = options.lookup ?? lookupByDns
  const send: Send = async (target, request, signal) => {
    // Clear text is for loopback alone: without it, no name is worth resolving.
    if (!target.secure && !allowLoopback) return refused('urlUnacceptable')
    const addresses = await lookup(target.host, signal)
    const refusal = refuseAddresses(target, addresses, { isAllowed, allowLoopback })
    if (refusal !== undefined) return refusal
    const socket = await connectToAny(addresses, target, { timeout, certificates: options.certificates, signal })
    return socket === undefined ? refused('unreachable') : exchange(socket, target, request, signal)
  }
  return guard(send, options)
}
