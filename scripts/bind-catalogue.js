// Owns: writing `bound` and `open` in docs/spec/*.json as the tests have it. Needs a build.
// Never: touches rows that wait or do not apply: those are a person's decision.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadHygiene } from './load-hygiene.js'

const { bindCatalogue, readTree, repositoryRoot } = await loadHygiene()

for (const [file, text] of bindCatalogue(readTree())) {
  writeFileSync(join(repositoryRoot, file), text)
  console.log(`wrote ${file}`)
}
