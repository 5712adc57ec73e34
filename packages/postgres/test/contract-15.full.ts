// Owns the full contract on the Postgres of Debian 12 (package postgresql-15). Fails where it is not installed.

import { registerFullContract } from './full-contract.ts'

await registerFullContract(15, { binaries: '/usr/lib/postgresql/15/bin' })
