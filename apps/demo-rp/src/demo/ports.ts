// Owns finding a port of this machine. Never holds one: whoever listens next may find it taken after all.

import { createServer } from 'node:net'

const isFreeAt = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
    // An address that this machine does not have is nobody's.
    probe.once('error', (error) => resolve('code' in error && error.code === 'EADDRNOTAVAIL'))
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)))
  })

/** Whether nobody listens on a port of this machine's loopback, by either family: a browser asks both for `localhost`. */
const isFree = async (port: number): Promise<boolean> =>
  (await isFreeAt(port, '127.0.0.1')) && (await isFreeAt(port, '::1'))

/** The port that is wanted, or the first free one from `from`. Rejects when the wanted one is none or is taken. */
export const choosePort = async (choice: {
  readonly wanted: string | undefined
  readonly from: number
  readonly taken: readonly number[]
}): Promise<number> => {
  const { wanted, from, taken } = choice
  if (wanted !== undefined && wanted !== '') {
    const port = Number(wanted)
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`${wanted} is no port.`)
    if (taken.includes(port) || !(await isFree(port))) throw new Error(`Port ${port} is taken; choose another.`)
    return port
  }
  for (let port = from; port < from + 100; port++) {
    if (!taken.includes(port) && (await isFree(port))) return port
  }
  throw new Error(`No port from ${from} to ${from + 99} is free; set PORT and APP_PORT.`)
}
