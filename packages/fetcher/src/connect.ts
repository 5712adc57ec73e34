// Owns opening a connection to an address that was judged before. Never resolves a name, so that nothing can change its mind in between.

import { isIP, connect as openPlain, type Socket } from 'node:net'
import { connect as openTls } from 'node:tls'
import type { Target } from './target.ts'

/** What a connection is opened with. */
export interface ConnectSettings {
  /** Milliseconds for one address. */
  readonly timeout: number
  /** Certificates to trust instead of the usual ones (PEM); undefined for those. */
  readonly certificates: readonly string[] | undefined
  readonly signal: AbortSignal
}

// One that does not answer and one that does is all that a careful host has.
const MOST_ADDRESSES = 3

const open = (address: string, target: Target, settings: ConnectSettings): Socket => {
  const { port } = target
  if (!target.secure) return openPlain({ host: address, port })
  return openTls({
    host: address,
    port,
    // An address has no server name (RFC 6066 §3); the certificate must be for it all the same.
    servername: isIP(target.host) === 0 ? target.host : '',
    // Set here, or a variable of the environment could turn it off.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    ...(settings.certificates === undefined ? {} : { ca: [...settings.certificates] }),
  })
}

const connectTo = (address: string, target: Target, settings: ConnectSettings): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const socket = open(address, target, settings)
    const settle = (value: Socket | undefined): void => {
      clearTimeout(timer)
      settings.signal.removeEventListener('abort', giveUp)
      if (value === undefined) socket.destroy()
      resolve(value)
    }
    const giveUp = (): void => settle(undefined)
    const timer = setTimeout(giveUp, settings.timeout)
    settings.signal.addEventListener('abort', giveUp, { once: true })
    // Stays: an error after the connection stands belongs to the exchange, and one that nobody hears would end the process.
    socket.on('error', giveUp)
    socket.once(target.secure ? 'secureConnect' : 'connect', () => settle(socket))
  })

/** Connects to the first of the addresses that answers, and is who the URL names; undefined when none is. */
export const connectToAny = async (
  addresses: readonly string[],
  target: Target,
  settings: ConnectSettings,
): Promise<Socket | undefined> => {
  for (const address of addresses.slice(0, MOST_ADDRESSES)) {
    if (settings.signal.aborted) return undefined
    const socket = await connectTo(address, target, settings)
    if (socket !== undefined) return socket
  }
  return undefined
}
