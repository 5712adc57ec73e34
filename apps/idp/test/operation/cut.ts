// Owns a wire between a process and its database that can be cut, frozen and mended. Asserts nothing.

import { connect, createServer, type Server, type Socket } from 'node:net'
import type { OpenDatabase } from '#src/database/index.js'

/** What becomes of what is sent on the wire. */
export type WireState =
  | 'whole'
  /** Connections are broken off and new ones refused, as by a server that is down. */
  | 'cut'
  /** Nothing arrives and nothing is said, as when a network is partitioned. */
  | 'frozen'

/** A wire to a database. */
export interface DatabaseWire {
  /** The database's address by way of this wire. */
  readonly url: string
  set(state: WireState): void
  close(): Promise<void>
}

interface Target {
  readonly host: string
  readonly port: number
  readonly path: string | undefined
  readonly user: string
  readonly password: string
  readonly database: string
}

const targetOf = ({ sql }: OpenDatabase): Target => {
  const { host, port, path, user, pass, database } = sql.options
  const password = typeof pass === 'string' ? pass : ''
  return { host: host[0] ?? 'localhost', port: port[0] ?? 5432, path: path || undefined, user, password, database }
}

const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })

/** Lays a wire to the database that an issuer's tests have open. */
export const layWire = async (database: OpenDatabase): Promise<DatabaseWire> => {
  const target = targetOf(database)
  const ends = new Set<Socket>()
  let state: WireState = 'whole'
  const keep = (socket: Socket): Socket => {
    ends.add(socket)
    socket.on('error', () => socket.destroy())
    return socket.once('close', () => ends.delete(socket))
  }
  const server = createServer((near) => {
    keep(near)
    if (state === 'cut') return void near.destroy()
    if (state === 'frozen') return void near.pause()
    const far = keep(target.path === undefined ? connect(target.port, target.host) : connect(target.path))
    near.pipe(far)
    far.pipe(near)
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
  })
  const port = await listen(server)
  const login = [target.user, target.password].filter((part) => part !== '').map(encodeURIComponent)
  return {
    url: `postgres://${login.join(':')}@127.0.0.1:${port}/${target.database}`,
    set: (next) => {
      state = next
      for (const socket of ends) {
        if (next === 'cut') socket.destroy()
        // What is paused stays open and says nothing, in both directions.
        else if (next === 'frozen') socket.unpipe().pause()
      }
    },
    close: () => {
      for (const socket of ends) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
