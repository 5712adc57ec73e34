// Owns: a table of the requirement catalogue: how many rows of each file are bound, open, waiting or not applicable. Needs a build.
// Never: changes anything. `--open` lists the open rows, grade M first.
import { loadHygiene } from './load-hygiene.js'

const { countRows, readCatalogue, readTree } = await loadHygiene()

const STATUSES = ['bound', 'open', 'waits', 'not-applicable']
const tree = readTree()
const lines = [...countRows(tree)].map(([file, count]) => [file, ...STATUSES.map((status) => count[status])])
const sums = STATUSES.map((_, column) => lines.reduce((sum, line) => sum + line[column + 1], 0))
const table = [['file', ...STATUSES], ...lines, ['all', ...sums]]
const widths = table[0].map((_, column) => Math.max(...table.map((line) => String(line[column]).length)))
for (const line of table) {
  console.log(
    line.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))).join('  '),
  )
}

if (process.argv.includes('--open')) {
  const open = readCatalogue(tree).rows.filter((row) => row.status === 'open')
  for (const grade of ['M', 'S', 'C']) {
    for (const row of open.filter((one) => one.grade === grade))
      console.log(`${grade} ${row.id}  ${row.source}: ${row.holds}`)
  }
}
