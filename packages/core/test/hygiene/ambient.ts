// Owns: the ban on ambient effects in the core: time, randomness, network, process and console come in by ports or not at all.
// Never: looks at packages/core/src/ports-node and ports-web, which are where they come in.
import ts from 'typescript'
import { eachNode, importsOf, lineAt, parseSource } from './syntax.ts'
import { type Fault, filesOf, type Tree } from './tree.ts'

const JUDGED = /^packages\/core\/src\/(?!ports-node\/|ports-web\/).*\.ts$/

/** Globals that read a clock, draw randomness, reach out, run later, run text as code, or exist on one runtime only. */
const BANNED: ReadonlySet<string> = new Set([
  ...[
    'Date',
    'performance',
    'Temporal',
    'process',
    'crypto',
    'console',
    'navigator',
    'globalThis',
    'global',
    'window',
    'self',
  ],
  ...['fetch', 'XMLHttpRequest', 'WebSocket', 'EventSource', 'Worker', 'SharedWorker', 'localStorage', 'caches'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate', 'queueMicrotask'],
  ...['eval', 'Function', 'require', 'module', '__dirname', '__filename', 'Buffer', 'Deno', 'Bun'],
])

/** Globals that are fine but for some members. */
const BANNED_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Math: ['random'],
  AbortSignal: ['timeout'],
  Intl: ['DateTimeFormat', 'RelativeTimeFormat'],
}

/** Modules of the platform that a room may import, and why: the store's cases are data on node:assert. */
const PLATFORM_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  'store-contract': ['node:assert', 'node:assert/strict'],
}

/** What the core takes from jose at run time: compact sign and verify, key import and thumbprints, errors. Claim checks are ours. */
const FROM_JOSE: ReadonlySet<string> = new Set([
  ...['CompactSign', 'compactVerify', 'importJWK', 'importPKCS8', 'importSPKI', 'importX509', 'exportJWK'],
  ...['calculateJwkThumbprint', 'decodeProtectedHeader', 'base64url', 'errors'],
])

const checkImports = (file: string, source: ts.SourceFile): readonly Fault[] =>
  importsOf(source).flatMap(({ specifier, names, typeOnly, line }) => {
    const room = file.split('/')[3] ?? ''
    if (specifier.startsWith('node:') && !(PLATFORM_IMPORTS[room] ?? []).includes(specifier)) {
      return [{ file, line, message: `imports ${specifier}: the core knows no platform outside its ports` }]
    }
    if (!/^jose(\/|$)/.test(specifier) || typeOnly) return []
    return names
      .filter((name) => !FROM_JOSE.has(name))
      .map((name) => ({
        file,
        line,
        message: `takes ${name} from jose, which checks claims, reads a clock or fetches`,
      }))
  })

/** A program over the core alone, without any library: what has no declaration in it is a global. */
const createChecker = (sources: ReadonlyMap<string, ts.SourceFile>): ts.TypeChecker => {
  const host: ts.CompilerHost = {
    getSourceFile: (name) => sources.get(name),
    fileExists: (name) => sources.has(name),
    readFile: (name) => sources.get(name)?.text,
    getDefaultLibFileName: () => 'lib.d.ts',
    writeFile: () => undefined,
    getCurrentDirectory: () => '',
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
  }
  const options: ts.CompilerOptions = {
    noLib: true,
    noResolve: true,
    types: [],
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
  }
  return ts.createProgram([...sources.keys()], options, host).getTypeChecker()
}

const isName = (node: ts.Identifier): boolean => {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent)) return parent.name === node
  if (ts.isQualifiedName(parent)) return parent.right === node
  return ts.isBindingElement(parent) ? parent.propertyName === node : ts.isImportSpecifier(parent)
}

const isGlobal = (node: ts.Identifier, checker: ts.TypeChecker): boolean => {
  const symbol = ts.isShorthandPropertyAssignment(node.parent)
    ? checker.getShorthandAssignmentValueSymbol(node.parent)
    : checker.getSymbolAtLocation(node)
  return (symbol?.declarations ?? []).length === 0
}

const memberOf = (node: ts.Identifier): string | undefined => {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent) && parent.expression === node) return parent.name.text
  if (ts.isQualifiedName(parent) && parent.left === node) return parent.right.text
  return undefined
}

const judge = (node: ts.Identifier, checker: ts.TypeChecker): string | undefined => {
  const members = Object.hasOwn(BANNED_MEMBERS, node.text) ? BANNED_MEMBERS[node.text] : undefined
  if ((!BANNED.has(node.text) && members === undefined) || isName(node) || !isGlobal(node, checker)) return undefined
  if (members === undefined) return `uses ${node.text}: the core takes it from a port or not at all`
  const member = memberOf(node)
  // Handed on whole or indexed by a string, it could give its banned members away; named as a type it cannot.
  if (member === undefined) return ts.isTypeReferenceNode(node.parent) ? undefined : `uses ${node.text} as a whole`
  return members.includes(member)
    ? `uses ${node.text}.${member}: the core takes it from a port or not at all`
    : undefined
}

/** Every ambient effect that the core reaches for outside its two ports doors. */
export const checkAmbient = (tree: Tree): readonly Fault[] => {
  const sources = new Map(filesOf(tree, JUDGED).map(([file, text]) => [file, parseSource(file, text)]))
  const checker = createChecker(sources)
  return [...sources].flatMap(([file, source]) => {
    const faults: Fault[] = [...checkImports(file, source)]
    eachNode(source, (node) => {
      if (!ts.isIdentifier(node)) return
      const message = judge(node, checker)
      if (message !== undefined) faults.push({ file, line: lineAt(source, node.getStart(source)), message })
    })
    return faults
  })
}
