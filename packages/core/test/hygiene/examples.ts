// Owns: the rule that an example marked as compiled compiles, against the built packages as a reader would have them.
//   Marked is a fenced block that begins with ```ts compiled, in README.md, docs/ and packages/*/README.md and in doc comments.
// Never: runs an example.
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { type Fault, filesOf, type Tree } from './tree.ts'

/** One marked block: where its first line stands, and its text. */
export type Example = { readonly file: string; readonly line: number; readonly text: string }

const PAGE = /^README\.md$|^docs\/.*\.md$|^packages\/[^/]+\/README\.md$|^packages\/[^/]+\/src\/.*\.(md|ts)$/
const BLOCK = /^([ \t]*(?:\* ?)?)```ts compiled[ \t]*\n([\s\S]*?)^[ \t]*(?:\* ?)?```[ \t]*$/gm

/** The marked examples of a tree; those in doc comments lose their leading asterisks. */
export const findExamples = (tree: Tree): readonly Example[] =>
  filesOf(tree, PAGE).flatMap(([file, text]) =>
    [...text.matchAll(BLOCK)].map((match) => ({
      file,
      line: text.slice(0, match.index).split('\n').length + 1,
      text: (match[2] ?? '').replace(/^[ \t]*\* ?/gm, (lead) => (match[1]?.includes('*') ? '' : lead)),
    })),
  )

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  noEmit: true,
}

/** Where an example pretends to stand: in a package of its own beside the others, so that it resolves their names as a reader's would. */
const placeOf = (root: string, index: number): string => join(root, 'apps', 'idp', `example-${index}.ts`)

const hostOver = (root: string, texts: ReadonlyMap<string, string>): ts.CompilerHost => {
  const host = ts.createCompilerHost(OPTIONS)
  const { getSourceFile, fileExists, readFile } = host
  host.getCurrentDirectory = () => root
  host.fileExists = (name) => texts.has(name) || fileExists(name)
  host.readFile = (name) => texts.get(name) ?? readFile(name)
  host.getSourceFile = (name, version, ...rest) => {
    const text = texts.get(name)
    return text === undefined ? getSourceFile(name, version, ...rest) : ts.createSourceFile(name, text, version, true)
  }
  return host
}

/** Type-checks examples, each a module of its own; the faults stand at the lines of the pages. */
export const checkExamples = (root: string, examples: readonly Example[]): readonly Fault[] => {
  const placed = new Map(examples.map((example, index) => [placeOf(root, index), example]))
  const texts = new Map([...placed].map(([place, { text }]) => [place, `${text}\nexport {}\n`]))
  const host = hostOver(root, texts)
  const program = ts.createProgram(
    [...texts.keys()],
    { ...OPTIONS, typeRoots: [join(root, 'node_modules/@types')] },
    host,
  )
  return [...placed].flatMap(([place, example]) => {
    const source = program.getSourceFile(place)
    return ts.getPreEmitDiagnostics(program, source).map((one) => {
      const at = source?.getLineAndCharacterOfPosition(one.start ?? 0).line ?? 0
      return {
        file: example.file,
        line: example.line + at,
        message: ts.flattenDiagnosticMessageText(one.messageText, ' ').replaceAll(dirname(place), ''),
      }
    })
  })
}
