// Owns: reading what one test file printed: how many of its tests passed, and whether it said all it had to say.
// Never: starts anything.

const TEST_ENDS = /^(not )?ok \d+/
const LEFT_OUT = / # (SKIP|TODO)\b/i
const PLAN = /^1\.\.(\d+)/

/**
 * Counts the tests at the top level of a file by its TAP output and exit code. A skipped test or a todo is a failure. A file
 * that ends badly without a failing test, ends before its plan, or holds no test is one failure.
 */
export const countTests = (output, exitCode) => {
  let passed = 0
  let failed = 0
  let planned
  // A diagnosis stands between `---` and `...` and could hold anything, even what looks like a verdict.
  let inDiagnosis = false
  for (const line of output.split('\n')) {
    if (line === '  ---') inDiagnosis = true
    else if (line === '  ...') inDiagnosis = false
    if (inDiagnosis) continue
    const verdict = TEST_ENDS.exec(line)
    if (verdict === null) planned ??= PLAN.exec(line)?.[1]
    else if (verdict[1] !== undefined || LEFT_OUT.test(line)) failed += 1
    else passed += 1
  }
  const whole = passed + failed > 0 && Number(planned) === passed + failed
  return { passed, failed: failed === 0 && (exitCode !== 0 || !whole) ? 1 : failed }
}
