// Owns: the check that requirement catalogue and tests agree, and the proof that the check sees what it should.
// Never: judges whether a test proves the row it names.
import t from 'tap'
import { bindCatalogue, checkCatalogue, countRows, readCatalogue } from './catalogue.ts'
import { describeFaults, readTree, type Tree, withFiles } from './tree.ts'

const row = (id: string, status: string, reason?: string): string =>
  JSON.stringify({ id, source: 'RFC 7636 §4.6', holds: 'it holds', grade: 'M', shape: 'value', status, reason })

const catalogueOf = (...rows: readonly string[]): string => `[\n${rows.map((one) => `  ${one}`).join(',\n')}\n]\n`

const testFile = (title: string): string =>
  `import t from 'tap'\nt.test(${title}, async (t) => {\n  await t.test('inside, anything goes', () => {})\n})\n`

const seeded = (rows: readonly string[], files: Readonly<Record<string, string>>): Tree =>
  withFiles(new Map(), { 'docs/spec/sample.json': catalogueOf(...rows), ...files })

const faultsOf = (rows: readonly string[], files: Readonly<Record<string, string>>): readonly string[] =>
  describeFaults(checkCatalogue(seeded(rows, files)))

const TEST = 'packages/core/test/pkce/pkce.test.ts'

t.test(
  '[unit] every id of a test is a row that applies, and every row says truly whether a test names it',
  async (t) => {
    const tree = readTree()
    t.ok(readCatalogue(tree).rows.length >= 843, 'the catalogue is read whole')
    t.same(describeFaults(checkCatalogue(tree)), [])
  },
)

t.test('[unit] a test whose id is not in the catalogue is caught', async (t) => {
  const files = { [TEST]: testFile("'[R7636-05, R7636-99] a wrong verifier is refused'") }
  t.same(faultsOf([row('R7636-05', 'bound')], files), [`${TEST}:2 R7636-99 is not in the catalogue`])
})

t.test('[unit] a data case whose id is not in the catalogue is caught', async (t) => {
  const path = 'packages/core/src/store-contract/codes.ts'
  const files = { [path]: "export const cases = [{ ids: ['OPS-999'], title: 'one wins', run: async () => {} }]\n" }
  t.same(faultsOf([], files), [`${path}:1 OPS-999 is not in the catalogue`])
})

t.test('[unit] a bound row that no test names is caught', async (t) => {
  t.same(faultsOf([row('R7636-05', 'bound')], {}), ['docs/spec/sample.json:2 R7636-05 is bound but no test names it'])
})

t.test('[unit] an open row that a test names is caught, and binding the catalogue settles it', async (t) => {
  const files = { [TEST]: testFile('`[R7636-05] $' + '{1} wrong verifier is refused`') }
  const tree = seeded([row('R7636-05', 'open')], files)
  t.match(describeFaults(checkCatalogue(tree)), ['docs/spec/sample.json:2 R7636-05 has a test but is open'])
  t.same(checkCatalogue(withFiles(tree, Object.fromEntries(bindCatalogue(tree)))), [])
})

t.test('[unit] binding the catalogue opens a row whose test has gone', async (t) => {
  const tree = seeded([row('R7636-05', 'bound')], {})
  t.match(bindCatalogue(tree).get('docs/spec/sample.json'), /"status":"open"/)
})

t.test('[unit] a test that names a row that waits or does not apply is caught', async (t) => {
  const files = { [TEST]: testFile("'[OUT-01, OIDC-17] it holds'") }
  const rows = [row('OUT-01', 'waits', 'not built yet'), row('OIDC-17', 'not-applicable', 'declined')]
  t.same(faultsOf(rows, files), [
    `${TEST}:2 OUT-01 is waits in docs/spec/sample.json: not built yet`,
    `${TEST}:2 OIDC-17 is not-applicable in docs/spec/sample.json: declined`,
  ])
})

t.test('[unit] a row that waits without a reason, a repeated row and a row of another form are caught', async (t) => {
  const rows = [row('OUT-01', 'waits'), row('OUT-02', 'open'), row('OUT-02', 'open'), row('OUT-03', 'soon')]
  t.same(faultsOf(rows, {}), [
    'docs/spec/sample.json:2 OUT-01 is waits without a reason',
    'docs/spec/sample.json:4 OUT-02 stands twice',
    'docs/spec/sample.json:5 is not a row of the catalogue (see docs/spec/README.md)',
  ])
})

t.test('[unit] a title without its brackets, a computed title and a file without a test are caught', async (t) => {
  for (const title of [
    "'it holds'",
    "'[unit]it holds'",
    "'[R7636-05 ] it holds'",
    "'[] it holds'",
    'someTitle',
    '`[$' + '{theId}] it holds`',
  ]) {
    t.match(faultsOf([], { [TEST]: testFile(title) }), [`${TEST}:2 a title is`], title)
  }
  t.match(faultsOf([], { [TEST]: "import t from 'tap'\nt.pass('fine')\n" }), [`${TEST}:1 holds no test`])
})

t.test('[unit] a data case lends its ids to the test that runs it', async (t) => {
  const files = {
    'packages/core/test/store/cases.ts':
      "export const cases = [{ ids: ['OPS-001'], title: 'one wins', run: () => {} }]\n",
    [TEST]: testFile('titleOf(one)'),
  }
  t.same(faultsOf([row('OPS-001', 'bound')], files), [])
})

t.test('[unit] a data case with an id of its own may stand in the title of its test', async (t) => {
  const loop =
    "import t from 'tap'\nfor (const { id, title } of cases) t.test(`[$" + '{id}] $' + '{title}`, () => {})\n'
  t.match(faultsOf([], { [TEST]: loop }), [`${TEST}:2 a title is`])
  const cases = "const cases = [{ id: 'OPS-001', title: 'one wins' }, { id: 'unit', title: 'none' }]\n"
  t.same(faultsOf([row('OPS-001', 'bound')], { [TEST]: loop + cases }), [])
})

t.test('[unit] a test file may take its tests from a module beside it, whose titles are read too', async (t) => {
  const beside = 'packages/core/test/pkce/shared.ts'
  const files = {
    [beside]: testFile("'[OPS-999] it holds'"),
    [TEST]: "import { register } from './shared.ts'\nregister()\n",
  }
  t.same(faultsOf([], files), [`${beside}:2 OPS-999 is not in the catalogue`])
})

t.test('[unit] a function that is handed its test names no test of the file', async (t) => {
  const helper =
    "import t from 'tap'\nconst check = (t: Test) => t.test('inner', () => {})\nt.test('[unit] it holds', check)\n"
  t.same(faultsOf([], { [TEST]: helper }), [])
})

t.test('[unit] the report counts each row once', async (t) => {
  const tree = seeded([row('OUT-01', 'waits', 'later'), row('OUT-02', 'open'), row('OUT-03', 'open')], {})
  t.same([...countRows(tree)], [['docs/spec/sample.json', { bound: 0, open: 2, waits: 1, 'not-applicable': 0 }]])
})
