// Owns writing the reference page to docs. Never runs in a server.

import { writeFile } from 'node:fs/promises'
import { commandReference } from './help.ts'
import { COMMANDS } from './run.ts'

await writeFile(new URL('../../../../docs/reference/cli.md', import.meta.url), commandReference(COMMANDS))
