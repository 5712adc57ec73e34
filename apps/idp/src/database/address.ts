// Owns reading DATABASE_URL where it names a unix socket, which the driver does not. Never connects.

import type { DatabaseAddress } from '@vouchsafe/postgres'

const DEFAULT_PORT = '5432'

const socketFolderOf = (url: URL): string | undefined => {
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname)
  return host.startsWith('/') ? host : undefined
}

/**
 * The database that an address names. Both forms of a unix socket are taken that other programs take, `postgres://user@/db?host=/run/postgresql`
 * (with any host before the slash, too) and `postgres://user@%2Frun%2Fpostgresql/db`; everything else is left to the driver as it is.
 */
export const addressOf = (databaseUrl: string): string | DatabaseAddress => {
  // No host before the slash is a form of other programs, not of URLs.
  const parseable = databaseUrl.replace(/^(postgres(?:ql)?:\/\/[^/?#]*@)(?=\/)/, '$1localhost')
  const url = URL.canParse(parseable) ? new URL(parseable) : undefined
  const folder = url === undefined ? undefined : socketFolderOf(url)
  if (url === undefined || folder === undefined) return databaseUrl
  const port = url.port || (url.searchParams.get('port') ?? DEFAULT_PORT)
  const user = decodeURIComponent(url.username)
  const password = decodeURIComponent(url.password)
  return {
    path: `${folder.replace(/\/+$/, '')}/.s.PGSQL.${port}`,
    user,
    ...(password === '' ? {} : { password }),
    database: decodeURIComponent(url.pathname.slice(1)) || user,
  }
}
