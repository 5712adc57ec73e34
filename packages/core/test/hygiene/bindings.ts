// Owns: which requirements the tests name, in titles and in data cases, and the form of both.
// Never: runs a test, or knows the catalogue.
import { posix } from 'node:path'
import ts from 'typescript'
import { eachNode, importsOf, lineAt, parseSource } from './syntax.ts'
import { type Fault, filesOf, type Tree } from './tree.ts'

/** A test or data case that names a requirement. */
export type Binding = { readonly id: string; readonly file: string; readonly line: number }

const TEST_FILE = /^(packages|apps)\/[^/]+\/test\/.*\.(test|browser|debian|full)\.ts$/
const CASE_FILE = /^(packages\/core\/src\/store-contract\/|(packages|apps)\/[^/]+\/test\/).*\.ts$/

/** The form of a requirement's id. */
export const ID: RegExp = /^[A-Z][A-Z0-9]*-[A-Za-z0-9_-]+$/
const TITLE = /^\[(unit|[A-Z][\w-]*(?:, [A-Z][\w-]*)*)\] \S/

/** The local name of tap's default export in a test file, usually `t`. */
const tapName = (source: ts.SourceFile): string | undefined =>
  source.statements.flatMap((statement) =>
    ts.isImportDeclaration(statement) &&
    ts.isStringLiteral(statement.moduleSpecifier) &&
    statement.moduleSpecifier.text === 'tap' &&
    statement.importClause?.name
      ? [statement.importClause.name.text]
      : [],
  )[0]

const isTestCall = (node: ts.Node, tap: string): node is ts.CallExpression =>
  ts.isCallExpression(node) &&
  ts.isPropertyAccessExpression(node.expression) &&
  node.expression.name.text === 'test' &&
  ts.isIdentifier(node.expression.expression) &&
  node.expression.expression.text === tap

// Inside another test, or in a function that is handed the test it belongs to under the same name.
const isInsideTest = (node: ts.Node, tap: string): boolean => {
  for (let above = node.parent; above !== undefined && !ts.isSourceFile(above); above = above.parent) {
    if (isTestCall(above, tap)) return true
    if (ts.isFunctionLike(above) && above.parameters.some(({ name }) => name.getText() === tap)) return true
  }
  return false
}

/** Whether a file writes out data cases with an `id` of their own. */
type CaseNames = 'here' | 'none'

const isTitleOfCall = (node: ts.Expression): boolean =>
  ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'titleOf'

// A title may be computed only from a data case, by its `titleOf` or by its `id`; the ids are read where the case is written.
const isCaseTitle = (title: ts.Expression, cases: CaseNames): boolean => {
  if (!ts.isTemplateExpression(title)) return isTitleOfCall(title)
  const [first] = title.templateSpans
  if (first === undefined) return false
  if (title.head.text === '') return isTitleOfCall(first.expression)
  const isId = /^(\w+\.)?id$/.test(first.expression.getText())
  return cases === 'here' && isId && title.head.text === '[' && first.literal.text.startsWith('] ')
}

const titleStart = (title: ts.Expression): string | undefined => {
  if (ts.isStringLiteralLike(title)) return title.text
  return ts.isTemplateExpression(title) ? `${title.head.text}…` : undefined
}

const TITLE_FORM =
  "a title is '[ID, ID] what holds' or '[unit] ...', written out; of a data case it is titleOf(theCase)"

type Titles = { readonly bindings: readonly Binding[]; readonly faults: readonly Fault[]; readonly tests: number }

const readTitles = (file: string, source: ts.SourceFile, cases: CaseNames): Titles => {
  const bindings: Binding[] = []
  const faults: Fault[] = []
  let tests = 0
  const tap = tapName(source)
  if (tap === undefined) return { bindings, faults, tests }
  eachNode(source, (node) => {
    if (!isTestCall(node, tap) || isInsideTest(node, tap)) return
    tests += 1
    const [title] = node.arguments
    const line = lineAt(source, node.getStart(source))
    if (title !== undefined && isCaseTitle(title, cases)) return
    const match = TITLE.exec((title && titleStart(title)) ?? '')
    if (match?.[1] === undefined) faults.push({ file, line, message: TITLE_FORM })
    else if (match[1] !== 'unit') for (const id of match[1].split(', ')) bindings.push({ id, file, line })
  })
  return { bindings, faults, tests }
}

const propertyNamed = (object: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined =>
  object.properties.flatMap((property) =>
    ts.isPropertyAssignment(property) && property.name.getText() === name ? [property.initializer] : [],
  )[0]

// A data case is an object literal with a `title` and either `ids`, a list, or `id`, one or 'unit'.
const readCases = (file: string, source: ts.SourceFile): { bindings: Binding[]; faults: Fault[]; cases: CaseNames } => {
  const bindings: Binding[] = []
  const faults: Fault[] = []
  let cases: CaseNames = 'none'
  eachNode(source, (node) => {
    if (!ts.isObjectLiteralExpression(node) || propertyNamed(node, 'title') === undefined) return
    const [id, ids] = [propertyNamed(node, 'id'), propertyNamed(node, 'ids')]
    const line = lineAt(source, node.getStart(source))
    if (id !== undefined && ts.isStringLiteral(id) && (id.text === 'unit' || ID.test(id.text))) {
      cases = 'here'
      if (id.text !== 'unit') bindings.push({ id: id.text, file, line })
    }
    if (ids === undefined) return
    const literals = ts.isArrayLiteralExpression(ids) ? ids.elements.filter(ts.isStringLiteral) : []
    const readable = ts.isArrayLiteralExpression(ids) && literals.length === ids.elements.length
    if (!readable) faults.push({ file, line, message: "ids of a data case are written out: ids: ['ADV-096'], or none" })
    for (const { text } of literals) bindings.push({ id: text, file, line })
  })
  return { bindings, faults, cases }
}

/** Whether a file holds tests at its top level, itself or in a module beside it that it imports. */
const holdsTests = (tree: Tree, file: string, source: ts.SourceFile, tests: number): boolean =>
  tests > 0 ||
  importsOf(source)
    .filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
    .some(({ specifier }) => {
      const path = posix.join(posix.dirname(file), specifier)
      const text = tree.get(path)
      return text !== undefined && readTitles(path, parseSource(path, text), 'none').tests > 0
    })

/** Every id that a test title or a data case names; titles of the wrong form, and test files without a test, are faults. */
export const readBindings = (
  tree: Tree,
): { readonly bindings: readonly Binding[]; readonly faults: readonly Fault[] } => {
  const bindings: Binding[] = []
  const faults: Fault[] = []
  for (const [file, text] of filesOf(tree, CASE_FILE)) {
    const source = parseSource(file, text)
    const cases = readCases(file, source)
    const titles = readTitles(file, source, cases.cases)
    bindings.push(...titles.bindings, ...cases.bindings)
    faults.push(...titles.faults, ...cases.faults)
    if (TEST_FILE.test(file) && !holdsTests(tree, file, source, titles.tests)) {
      faults.push({ file, line: 1, message: 'holds no test at its top level' })
    }
  }
  return { bindings, faults }
}
