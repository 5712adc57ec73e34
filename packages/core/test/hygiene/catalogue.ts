// Owns: the requirement catalogue in docs/spec and its agreement with the tests, in both directions.
// Never: runs a test, or decides whether a test proves what it names.
import { ID, readBindings } from './bindings.ts'
import { type Fault, filesOf, type Tree } from './tree.ts'

/** One requirement of the catalogue; `docs/spec/README.md` says what each field means. */
export type Row = {
  readonly id: string
  readonly source: string
  readonly holds: string
  readonly grade: 'M' | 'S' | 'C'
  readonly shape: 'presence' | 'value' | 'order' | 'identity'
  readonly status: Status
  readonly reason?: string
}

/** Whether a requirement has a test, lacks one, waits for its feature, or asks for what is not offered. */
export type Status = 'bound' | 'open' | 'waits' | 'not-applicable'

/** A row and where it stands. */
export type PlacedRow = Row & { readonly file: string; readonly line: number }

const CATALOGUE_FILE = /^docs\/spec\/[a-z0-9-]+\.json$/

const GRADES = new Set(['M', 'S', 'C'])
const SHAPES = new Set(['presence', 'value', 'order', 'identity'])
const STATUSES = new Set(['bound', 'open', 'waits', 'not-applicable'])
const FIELDS = new Set(['id', 'source', 'holds', 'grade', 'shape', 'status', 'reason'])

const isRow = (value: unknown): value is Row => {
  if (typeof value !== 'object' || value === null) return false
  const row = new Map(Object.entries(value))
  const text = (name: string): boolean => typeof row.get(name) === 'string' && row.get(name) !== ''
  return (
    [...row.keys()].every((name) => FIELDS.has(name)) &&
    ['id', 'source', 'holds'].every(text) &&
    ID.test(String(row.get('id'))) &&
    GRADES.has(String(row.get('grade'))) &&
    SHAPES.has(String(row.get('shape'))) &&
    STATUSES.has(String(row.get('status'))) &&
    (!row.has('reason') || text('reason'))
  )
}

/** Reads `docs/spec/*.json`; rows of the wrong form, repeated ids and missing reasons are faults. */
export const readCatalogue = (
  tree: Tree,
): { readonly rows: readonly PlacedRow[]; readonly faults: readonly Fault[] } => {
  const rows = new Map<string, PlacedRow>()
  const faults: Fault[] = []
  for (const [file, text] of filesOf(tree, CATALOGUE_FILE)) {
    for (const [index, written] of text.split('\n').entries()) {
      const line = index + 1
      const body = written.trim().replace(/,$/, '')
      if (body === '' || body === '[' || body === ']') continue
      const row: unknown = JSON.parse(body)
      if (!isRow(row)) faults.push({ file, line, message: 'is not a row of the catalogue (see docs/spec/README.md)' })
      else if (rows.has(row.id)) faults.push({ file, line, message: `${row.id} stands twice` })
      else {
        rows.set(row.id, { ...row, file, line })
        const excused = row.status === 'waits' || row.status === 'not-applicable'
        if (excused && row.reason === undefined)
          faults.push({ file, line, message: `${row.id} is ${row.status} without a reason` })
      }
    }
  }
  return { rows: [...rows.values()], faults }
}

/** What the catalogue should say of a row, given the tests: waiting and declined rows are a person's decision and stay. */
export const decideStatus = (row: Row, named: ReadonlySet<string>): Status => {
  if (row.status === 'waits' || row.status === 'not-applicable') return row.status
  return named.has(row.id) ? 'bound' : 'open'
}

/** Both directions: every id of a test is a row that applies, and every row says truly whether a test names it. */
export const checkCatalogue = (tree: Tree): readonly Fault[] => {
  const catalogue = readCatalogue(tree)
  const tests = readBindings(tree)
  const rows = new Map(catalogue.rows.map((row) => [row.id, row]))
  const named = new Set(tests.bindings.map(({ id }) => id))
  const faults: Fault[] = [...catalogue.faults, ...tests.faults]
  for (const { id, file, line } of tests.bindings) {
    const row = rows.get(id)
    if (row === undefined) faults.push({ file, line, message: `${id} is not in the catalogue` })
    else if (row.status === 'waits' || row.status === 'not-applicable') {
      faults.push({ file, line, message: `${id} is ${row.status} in ${row.file}: ${row.reason ?? ''}` })
    }
  }
  for (const row of catalogue.rows) {
    const due = decideStatus(row, named)
    if (due === row.status) continue
    const message =
      due === 'bound'
        ? `${row.id} has a test but is ${row.status}: set it bound (node scripts/bind-catalogue.js)`
        : `${row.id} is bound but no test names it`
    faults.push({ file: row.file, line: row.line, message })
  }
  return faults
}

/** Counts rows by file and status, for a report. */
export const countRows = (tree: Tree): ReadonlyMap<string, Readonly<Record<Status, number>>> => {
  const counts = new Map<string, Record<Status, number>>()
  for (const row of readCatalogue(tree).rows) {
    const count = counts.get(row.file) ?? { bound: 0, open: 0, waits: 0, 'not-applicable': 0 }
    count[row.status] += 1
    counts.set(row.file, count)
  }
  return counts
}

/** The catalogue files whose `bound` and `open` differ from what the tests say, with their new text. */
export const bindCatalogue = (tree: Tree): ReadonlyMap<string, string> => {
  const named = new Set(readBindings(tree).bindings.map(({ id }) => id))
  const changed = new Map<string, string>()
  for (const row of readCatalogue(tree).rows) {
    const due = decideStatus(row, named)
    if (due === row.status) continue
    const lines = (changed.get(row.file) ?? tree.get(row.file) ?? '').split('\n')
    const written = lines[row.line - 1] ?? ''
    lines[row.line - 1] = written.replace(/("status": ?)"[a-z-]+"/, `$1"${due}"`)
    changed.set(row.file, lines.join('\n'))
  }
  return changed
}
