// Owns: the repository as a value: relative path to text, and the faults that checks find in it.
// Never: writes, runs anything, or looks at what a build made.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Every text file of a repository by its path from the root, with forward slashes. Checks take it, so that a test can seed a fault. */
export type Tree = ReadonlyMap<string, string>

/** Something in the tree that a rule forbids; `line` counts from 1. */
export type Fault = { readonly file: string; readonly line: number; readonly message: string }

const BUILT_OR_FETCHED = new Set(['node_modules', 'dist', 'dist-test', '.git', '.tap', '.data', '.cache', 'coverage'])
const TEXT = /\.(ts|js|mjs|cjs|json|md|eta|css|sql|svg|yaml|yml|sh|html|txt)$|(^|\/)\.[a-z]+$|(^|\/)(LICENSE|run)$/
const MADE_AT_ROOT = new Set(['screenshots'])

const findRoot = (): string => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'tsconfig.base.json'))) {
    const above = dirname(folder)
    if (above === folder)
      throw new Error('the hygiene tests run inside the repository: no tsconfig.base.json above them')
    folder = above
  }
  return folder
}

/** The folder of the repository these tests stand in. */
export const repositoryRoot: string = findRoot()

/** Reads all source and text files under a folder, leaving out what is built or installed. */
export const readTree = (root: string = repositoryRoot): Tree => {
  const files = new Map<string, string>()
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      // In a linked worktree `.git` is a file, which names the folder it is linked to.
      if (BUILT_OR_FETCHED.has(entry.name)) continue
      if (entry.isDirectory()) {
        if (!(folder === '' && MADE_AT_ROOT.has(entry.name))) visit(path)
      } else if (entry.isFile() && TEXT.test(path) && !path.endsWith('.tsbuildinfo')) {
        files.set(path.split(sep).join('/'), readFileSync(join(root, path), 'utf8'))
      }
    }
  }
  visit('')
  return files
}

/** The same tree with some files added or replaced, for seeding a fault. */
export const withFiles = (tree: Tree, changed: Readonly<Record<string, string>>): Tree =>
  new Map([...tree, ...Object.entries(changed)])

/** The files of a tree whose path a pattern fits, in path order. */
export const filesOf = (tree: Tree, pattern: RegExp): readonly (readonly [path: string, text: string])[] =>
  [...tree].filter(([path]) => pattern.test(path)).sort(([a], [b]) => (a < b ? -1 : 1))

/** One line per fault, as an editor can jump to it. */
export const describeFaults = (faults: readonly Fault[]): readonly string[] =>
  faults.map(({ file, line, message }) => `${file}:${line} ${message}`)
