// Owns writing the reference page to docs. Never runs in a server.

import { writeFile } from 'node:fs/promises'
import { configurationReference } from './reference.ts'

await writeFile(new URL('../../../../docs/reference/configuration.md', import.meta.url), configurationReference())
