// Owns: reading TypeScript as syntax: imports, comments, positions, without types and without a program.
// Never: judges what it reads.
import ts from 'typescript'

/** One import, re-export, dynamic import or import type; `names` is empty for a bare import and `['*']` for a namespace. */
export type Import = {
  readonly specifier: string
  readonly names: readonly string[]
  readonly typeOnly: boolean
  readonly line: number
}

/** Parses a text as TypeScript with its parents set. */
export const parseSource = (path: string, text: string): ts.SourceFile =>
  ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)

/** The line of a position, counted from 1. */
export const lineAt = (source: ts.SourceFile, position: number): number =>
  source.getLineAndCharacterOfPosition(position).line + 1

/** Calls `visit` on every node below and including the given one. */
export const eachNode = (node: ts.Node, visit: (node: ts.Node) => void): void => {
  visit(node)
  ts.forEachChild(node, (child) => eachNode(child, visit))
}

const namesOfClause = (clause: ts.ImportClause | undefined): readonly string[] => {
  if (clause === undefined) return []
  const names = clause.name === undefined ? [] : ['default']
  const bound = clause.namedBindings
  if (bound === undefined) return names
  if (ts.isNamespaceImport(bound)) return [...names, '*']
  return [
    ...names,
    ...bound.elements.filter((one) => !one.isTypeOnly).map((one) => (one.propertyName ?? one.name).text),
  ]
}

const isTypeOnly = (node: ts.ImportDeclaration | ts.ExportDeclaration): boolean => {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly
  const clause = node.importClause
  if (clause === undefined) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const bound = clause.namedBindings
  return (
    clause.name === undefined &&
    bound !== undefined &&
    ts.isNamedImports(bound) &&
    bound.elements.length > 0 &&
    bound.elements.every((one) => one.isTypeOnly)
  )
}

const calledModule = (node: ts.Node): ts.StringLiteralLike | undefined => {
  if (ts.isCallExpression(node)) {
    const callee = node.expression
    const [first] = node.arguments
    const loads = callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
    return loads && first !== undefined && ts.isStringLiteralLike(first) ? first : undefined
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return node.argument.literal
  }
  return undefined
}

/** Every way in which a source names another module, in source order. */
export const importsOf = (source: ts.SourceFile): readonly Import[] => {
  const found: Import[] = []
  eachNode(source, (node) => {
    const line = lineAt(source, node.getStart(source))
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const typeOnly = isTypeOnly(node)
      found.push({ specifier: node.moduleSpecifier.text, names: namesOfClause(node.importClause), typeOnly, line })
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
      const names =
        node.exportClause !== undefined && ts.isNamedExports(node.exportClause)
          ? node.exportClause.elements
              .filter((one) => !one.isTypeOnly)
              .map((one) => (one.propertyName ?? one.name).text)
          : ['*']
      found.push({ specifier: node.moduleSpecifier.text, names, typeOnly: isTypeOnly(node), line })
    } else {
      const module = calledModule(node)
      if (module) found.push({ specifier: module.text, names: ['*'], typeOnly: ts.isImportTypeNode(node), line })
    }
  })
  return found
}

/** Every comment of a source with the line it begins on. */
export const commentsOf = (source: ts.SourceFile): readonly { readonly text: string; readonly line: number }[] => {
  const found = new Map<number, { text: string; line: number }>()
  const collect = (ranges: readonly ts.CommentRange[] | undefined): void => {
    for (const { pos, end } of ranges ?? []) {
      found.set(pos, { text: source.text.slice(pos, end), line: lineAt(source, pos) })
    }
  }
  const visit = (node: ts.Node): void => {
    // Only tokens carry trivia; template text is a token of its own, so a `//` inside a string is not taken for a comment.
    const children = node.getChildren(source)
    if (children.length === 0) {
      collect(ts.getLeadingCommentRanges(source.text, node.getFullStart()))
      collect(ts.getTrailingCommentRanges(source.text, node.getEnd()))
    }
    for (const child of children) visit(child)
  }
  visit(source)
  return [...found.values()]
}
