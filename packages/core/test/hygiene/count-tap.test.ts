// Owns: the proof that the runner of suites counts what a test file says, and what it leaves unsaid as a failure.
// Never: runs a suite.

import { pathToFileURL } from 'node:url'
import t from 'tap'
import { repositoryRoot } from './tree.ts'

type Counts = { readonly passed: number; readonly failed: number }

const script = pathToFileURL(`${repositoryRoot}/scripts/count-tap.js`).href
const { countTests }: { countTests: (output: string, exitCode: number) => Counts } = await import(script)

const count = (lines: readonly string[], exitCode = 0): Counts => countTests(`${lines.join('\n')}\n`, exitCode)

t.test('[unit] tests at the top of a file are counted, assertions and inner tests are not', async (t) => {
  const lines = [
    'TAP version 14',
    '# Subtest: one',
    '    ok 1 - an assertion',
    'ok 1 - one # time=1ms',
    'ok 2 - two',
    '1..2',
  ]
  t.same(count(lines), { passed: 2, failed: 0 })
})

t.test('[unit] a failing test fails, and what its diagnosis holds is no verdict', async (t) => {
  const diagnosis = ['  ---', '  diff: |', 'ok 7 - no verdict', '  ...']
  t.same(count(['ok 1 - one', 'not ok 2 - two', ...diagnosis, 'ok 3 - three', '1..3'], 1), { passed: 2, failed: 1 })
})

t.test('[unit] a skipped test and a todo fail', async (t) => {
  t.same(count(['ok 1 - one # SKIP', 'ok 2 - two # TODO later', 'ok 3 - three', '1..3']), { passed: 1, failed: 2 })
})

t.test('[unit] a file that dies after its tests, ends before its plan, or holds none is a failure', async (t) => {
  t.same(count(['ok 1 - one', '1..1'], 1), { passed: 1, failed: 1 })
  t.same(count(['ok 1 - one']), { passed: 1, failed: 1 })
  t.same(count(['ok 1 - one', '1..2']), { passed: 1, failed: 1 })
  t.same(count(['1..0']), { passed: 0, failed: 1 })
  t.same(count([]), { passed: 0, failed: 1 })
})
