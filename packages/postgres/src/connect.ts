// Owns the settings under which these stores are meant to be run. Never keeps a pool: who connects also ends it.

import { createConnection, type Socket } from 'node:net'
import postgres from 'postgres'
import { arrayTypes } from './arrays.ts'

/** Where a database is, in parts. */
export interface DatabaseAddress {
  readonly host?: string
  readonly port?: number
  /** Path of a unix socket, instead of host and port. */
  readonly path?: string
  readonly user: string
  readonly password?: string
  readonly database: string
}

/** How to reach the database. */
export interface ConnectOptions {
  /** `postgres://user:password@host:port/database` (several hosts separated by commas; `?host=/folder` for a unix socket), or the address in parts. */
  readonly database: string | DatabaseAddress
  /** Connections at most; 10 unless set. */
  readonly max?: number
  /** Seconds after which an unused connection is closed; 30 unless set. */
  readonly idleTimeout?: number
  /** Seconds that opening a connection may take; 5 unless set. */
  readonly connectTimeout?: number
  /** Seconds that a statement may run; 5 unless set. */
  readonly statementTimeout?: number
  /** Seconds that a statement may wait for a lock; 2 unless set. */
  readonly lockTimeout?: number
  /**
   * Seconds after which a connection on which nothing was heard is given up, so that a server that vanished without a word (a failover,
   * a partition) is asked for anew; above the statement timeout, and 0 for never, as a long migration needs; 0 unless set.
   */
  readonly silence?: number
  /** What the database's own views show; `vouchsafe` unless set. */
  readonly applicationName?: string
  /** Schema that holds the tables; the role's own search path unless set. */
  readonly schema?: string
  /** Named statements; set false behind a proxy in transaction mode that does not know them (PgBouncer before 1.21). */
  readonly prepare?: boolean
}

const hasSeveralHosts = (database: ConnectOptions['database']): boolean =>
  typeof database === 'string' && (/^[^/]*\/\/(?:[^/?]*@)?([^/?]*)/.exec(database)?.[1] ?? '').includes(',')

/** What the driver hands to who makes its sockets. */
type SocketTarget = Pick<postgres.ParsedOptions, 'host' | 'port' | 'path'>

/**
 * Makes sockets that end after so many seconds of silence. Of several hosts each attempt takes the next, as the driver does. The system
 * would take a quarter of an hour to find out, and all that while the driver holds each connection for an answer that never comes.
 */
const socketsOf = (seconds: number): ((target: SocketTarget) => Socket) => {
  let attempts = 0
  return ({ host, port, path }) => {
    const at = attempts++ % host.length
    const address = { host: host[at] ?? 'localhost', port: port[at] ?? 5432 }
    const socket = typeof path === 'string' && path !== '' ? createConnection(path) : createConnection(address)
    // The driver reads the host's name here, to check its certificate by.
    return Object.assign(socket, address).setTimeout(seconds * 1000, () => socket.destroy())
  }
}

const silenceOf = ({ silence }: ConnectOptions): object =>
  silence === undefined || silence === 0 ? {} : { socket: socketsOf(silence) }

const settingsOf = (options: ConnectOptions): postgres.Options<typeof arrayTypes> => ({
  max: options.max ?? 10,
  idle_timeout: options.idleTimeout ?? 30,
  connect_timeout: options.connectTimeout ?? 5,
  prepare: options.prepare ?? true,
  // The driver's own pauses grow to 20 s, long after the database is back.
  backoff: (failures) => (0.5 + Math.random() / 2) * Math.min(3 ** failures / 100, 1),
  ...silenceOf(options),
  // The types of arrays are named here; see arrays.ts for why the driver must not ask the server for them.
  fetch_types: false,
  types: arrayTypes,
  // Of several hosts, the one that takes writes: a single use is never judged on a replica.
  ...(hasSeveralHosts(options.database) ? { target_session_attrs: 'primary' as const } : {}),
  connection: {
    application_name: options.applicationName ?? 'vouchsafe',
    statement_timeout: (options.statementTimeout ?? 5) * 1000,
    lock_timeout: (options.lockTimeout ?? 2) * 1000,
    // A node that hangs between two statements must not keep its locks.
    idle_in_transaction_session_timeout: 10_000,
    ...(options.schema === undefined ? {} : { search_path: options.schema }),
  },
  onnotice: () => undefined,
})

/** What libpq's `?host=/folder` means and the driver does not read: the socket in that folder (PostgreSQL manual §34.1.1). */
const overSocket = (database: string): { readonly url: string; readonly path: string } | undefined => {
  // libpq takes an empty host; the driver insists on one, and then goes by the path.
  const named = database.replace(/^(\w+:\/\/(?:[^/?#@]*@)?)(?=[/?]|$)/, '$1localhost')
  if (!URL.canParse(named)) return undefined
  const url = new URL(named)
  const folder = url.searchParams.get('host')
  if (folder === null || !folder.startsWith('/')) return undefined
  url.searchParams.delete('host')
  return { url: url.href, path: `${folder}/.s.PGSQL.${url.port || '5432'}` }
}

/** Opens a pool with the recommended settings; connections are made when they are first needed. End it with `sql.end({ timeout })`. */
export const connect = (options: ConnectOptions): postgres.Sql => {
  if (typeof options.database !== 'string') return postgres({ ...options.database, ...settingsOf(options) })
  const socket = overSocket(options.database)
  return socket === undefined
    ? postgres(options.database, settingsOf(options))
    : postgres(socket.url, { ...settingsOf(options), path: socket.path })
}
