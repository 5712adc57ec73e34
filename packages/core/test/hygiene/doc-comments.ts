// Owns: the rules that every export of a package has a doc comment and every source says what it owns.
// Never: judges what a comment says.
import ts from 'typescript'
import { lineAt, parseSource } from './syntax.ts'
import { type Fault, filesOf, type Tree } from './tree.ts'

const SOURCE = /^packages\/[^/]+\/src\/.*\.ts$/
const HAS_HEADER = /^(packages|apps)\/[^/]+\/(src|test)\/.*\.ts$|^scripts\/.*\.js$/

const isExported = (node: ts.Statement): boolean =>
  ts.canHaveModifiers(node) &&
  (ts.getModifiers(node) ?? []).some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)

const nameOf = (node: ts.Statement): string => {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.map((one) => one.name.getText()).join(', ')
  return (ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isEnumDeclaration(node)) &&
    node.name !== undefined
    ? node.name.text
    : 'this export'
}

const hasDocComment = (node: ts.Node): boolean => ts.getJSDocCommentsAndTags(node).some(ts.isJSDoc)

/** Exports of packages without a doc comment. A name needs one: on the first of its overloads, on the type or on the value of a pair. */
export const checkDocComments = (tree: Tree): readonly Fault[] =>
  filesOf(tree, SOURCE).flatMap(([file, text]) => {
    const source = parseSource(file, text)
    const exported = source.statements.filter(isExported)
    const documented = new Set(exported.filter(hasDocComment).map(nameOf))
    return exported
      .filter((node) => !documented.has(nameOf(node)))
      .map((node) => {
        const line = lineAt(source, node.getStart(source))
        return { file, line, message: `${nameOf(node)} is exported without a doc comment` }
      })
  })

/** Files whose first line is not a comment that says what they own. */
export const checkHeaders = (tree: Tree): readonly Fault[] =>
  filesOf(tree, HAS_HEADER)
    .filter(([, text]) => !/^(#!.*\n)?\/[/*]/.test(text))
    .map(([file]) => ({ file, line: 1, message: 'the first line of a file says what it owns' }))
