// Owns: the checks on what sources, tests and files may be at all, and the proof that each bites.
// Never: formats or lints; the linter does.
import t from 'tap'
import { checkExceptions, checkSources, checkTests } from './static-rules.ts'
import { checkLength, checkLongList, checkText } from './text-rules.ts'
import { describeFaults, type Fault, readTree, type Tree, withFiles } from './tree.ts'

const tree = readTree()

const seed = (check: (tree: Tree) => readonly Fault[], file: string, text: string): readonly string[] =>
  describeFaults(check(withFiles(new Map(), { [file]: text })))

t.test(
  '[QA-016, WEB-044] no source builds SQL from strings, fetches, parses JSON elsewhere or makes a pattern from a value',
  async (t) => {
    t.same(describeFaults([...checkSources(tree), ...checkExceptions(tree)]), [])
  },
)

t.test('[QA-016, WEB-044] each of these is caught in a source that does it', async (t) => {
  const wrong = [
    'export const find = (sql: Sql, name: string) => sql.unsafe(name)',
    'export const get = (url: string) => fetch(url)',
    "import { request } from 'node:https'",
    "import { connect as open, type Socket } from 'node:tls'",
    "import { createConnection } from 'node:net'",
    'export const match = (text: string) => new RegExp(text)',
    'export const read = (text: string): unknown => JSON.parse(text)',
  ]
  for (const text of wrong) t.equal(seed(checkSources, 'apps/idp/src/seeded.ts', text).length, 1, text)
  const fine =
    "import { createServer } from 'node:http'\nimport type { Socket } from 'node:net'\nexport const fixed = new RegExp('^a$')\n"
  t.same(seed(checkSources, 'apps/idp/src/seeded.ts', fine), [])
})

t.test('[unit] no test is skipped, promised for later or run alone', async (t) => {
  t.same(describeFaults(checkTests(tree)), [])
})

t.test('[unit] a test that is left out is caught', async (t) => {
  for (const text of ["t.skip('x')", "t.only('x', () => {})", "t.todo('x')", "t.test('x', { skip: true }, () => {})"]) {
    t.equal(seed(checkTests, 'packages/core/test/seeded.test.ts', text).length, 1, text)
  }
})

t.test('[unit] no file names a machine, a registry or a secret', async (t) => {
  t.same(describeFaults(checkText(tree)), [])
})

t.test('[unit] a file that does is caught', async (t) => {
  const slash = '/'
  const wrong = [
    `see ${slash}home/somebody/vouchsafe`,
    `${slash}root/x`,
    `rm -r ${slash}tmp/x`,
    `${'registry'}.example.com`,
    `"resolved": "${'https'}://packages.example/x.tgz"`,
    `-----BEGIN ${'PRIVATE'} KEY-----`,
  ]
  for (const text of wrong) t.ok(seed(checkText, 'docs/seeded.md', text).length > 0, text)
  for (const text of ['/var/lib/vouchsafe', 'GET /homework', 'a/root/x', 'https://idp.example/tmp/x']) {
    t.same(seed(checkText, 'docs/seeded.md', text), [], text)
  }
})

t.test('[unit] no file is longer than its limit', async (t) => {
  t.same(describeFaults([...checkLength(tree), ...checkLongList(tree)]), [])
  t.equal(seed(checkLength, 'packages/core/src/seeded.ts', 'export {}\n'.repeat(301)).length, 1)
  t.same(seed(checkLength, 'packages/core/src/seeded.ts', 'export {}\n'.repeat(300)), [])
})
