// Owns: what no file may hold or be: a path of one machine, a registry's address, a secret for one; longer than its readers bear.
// Never: parses.
import { type Fault, filesOf, type Tree } from './tree.ts'

// Written as patterns whose own text they do not fit, so that this file passes too.
const FORBIDDEN: readonly (readonly [pattern: RegExp, message: string])[] = [
  [/(?<![\w.\\\]})-])\/(?:work|root|home\/[a-z]\w*|Users\/\w+)\/\w/, 'names a folder of one machine'],
  [/(?<![\w.\\\]})-])\/tmp\/[\w.-]/, 'names a temporary folder; ask os.tmpdir() or mktemp'],
  [/\bregistry\.[a-z0-9-]+\.[a-z]{2,}|\/\/[a-z0-9.-]*(?:artifactory|nexus|verdaccio)/, 'names a package registry'],
  [/"resolved": "https?:/, 'pins a package to a host; the lock file leaves hosts out'],
  [/_auth(?:Token)? *=/, 'holds a credential for a registry'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'holds a private key outside test-fixtures/'],
]

const MAY_HOLD_KEYS = /^test-fixtures\/|\/test\//

/** Every line that ties the repository to a machine or holds what no repository should. */
export const checkText = (tree: Tree): readonly Fault[] =>
  [...tree].flatMap(([file, text]) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        FORBIDDEN.filter(
          ([pattern]) => pattern.test(line) && !(pattern.source.includes('PRIVATE') && MAY_HOLD_KEYS.test(file)),
        ).map(([, message]) => ({ file, line: index + 1, message })),
      ),
  )

/** Lines above which a file is split, or stands on the list below. Tests come in few, larger files, each of which costs a process. */
const LIMITS: readonly (readonly [files: RegExp, lines: number])[] = [
  [/^(packages|apps)\/[^/]+\/src\/.*\.ts$|^scripts\//, 300],
  [/^(packages|apps)\/[^/]+\/test\/.*\.ts$/, 700],
]

/** Files that may be longer, each with its reason. */
const LONGER: Readonly<Record<string, string>> = {
  'apps/idp/src/config/settings.ts': 'one entry per setting: a table, read by looking up',
  'apps/idp/src/cli/client-options.ts': 'one entry per option: a table, read by looking up',
  'packages/core/src/store/stores.ts': 'the contract of the stores: read whole, by whoever writes one',
  'apps/idp/src/views/model.ts': 'one type per page: a table, read by looking up',
  'apps/idp/src/views/messages.en.ts': 'one entry per text of a page: a table, read by looking up',
}

const findLong = (tree: Tree): readonly { readonly file: string; readonly length: number; readonly limit: number }[] =>
  LIMITS.flatMap(([files, limit]) =>
    filesOf(tree, files)
      .map(([file, text]) => ({ file, length: text.split('\n').length - 1, limit }))
      .filter(({ length }) => length > limit),
  )

/** Files that are too long and not on the list. */
export const checkLength = (tree: Tree): readonly Fault[] =>
  findLong(tree)
    .filter(({ file }) => !Object.hasOwn(LONGER, file))
    .map(({ file, length, limit }) => ({
      file,
      line: limit,
      message: `is ${length} lines long, above ${limit}: split it`,
    }))

/** Files on the list that need not be. */
export const checkLongList = (tree: Tree): readonly Fault[] => {
  const long = new Set(findLong(tree).map(({ file }) => file))
  return Object.keys(LONGER)
    .filter((file) => !long.has(file))
    .map((file) => ({ file, line: 1, message: 'is on the list of long files and is not long' }))
}
