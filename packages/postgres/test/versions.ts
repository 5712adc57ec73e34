// Owns where the programs of a Postgres from npm lie. Never checks that they run: the launcher does.

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The folder with `initdb` and `postgres` of an installed npm package. Throws where it is not installed. */
export const packagedBinaries = (name: string): string =>
  join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native', 'bin')
