// Owns: what no source may do and what no test may do, read from syntax: build SQL from strings, fetch, parse JSON here and there,
//   make a pattern from a value; be left out, or leave others out.
// Never: looks at the core's own ban on ambient effects (ambient.ts).
import ts from 'typescript'
import { eachNode, type Import, importsOf, lineAt, parseSource } from './syntax.ts'
import { type Fault, filesOf, type Tree } from './tree.ts'

/** A way of going wrong, the call that shows it, and the files that may all the same, each with its reason. */
type Rule = {
  readonly message: string
  readonly finds: (call: ts.CallExpression | ts.NewExpression) => boolean
  readonly except: Readonly<Record<string, string>>
}

const isMember = (call: ts.CallExpression | ts.NewExpression, object: string | undefined, member: string): boolean =>
  ts.isPropertyAccessExpression(call.expression) &&
  call.expression.name.text === member &&
  (object === undefined || (ts.isIdentifier(call.expression.expression) && call.expression.expression.text === object))

const isNamed = (call: ts.CallExpression | ts.NewExpression, name: string): boolean =>
  ts.isIdentifier(call.expression) && call.expression.text === name

const RULES: readonly Rule[] = [
  {
    message: 'sends a string to the database: a value may be part of it; use the tagged template',
    finds: (call) => isMember(call, undefined, 'unsafe'),
    except: { 'packages/postgres/src/migrate.ts': 'sends the text of migration files, which ship with it' },
  },
  {
    message: 'fetches: what leaves the server goes through one guarded module',
    finds: (call) => isNamed(call, 'fetch') || isMember(call, 'globalThis', 'fetch'),
    except: {
      'packages/fetcher/src/web.ts': 'is that module where there is nothing below fetch',
      'packages/resource-server/src/outbound.ts':
        "runs in an API's process, and asks the one issuer that its operator named",
    },
  },
  {
    message: 'makes a pattern from a value, which could be anything',
    finds: (call) => isNamed(call, 'RegExp') && !(call.arguments ?? []).every((one) => ts.isStringLiteralLike(one)),
    except: {},
  },
  {
    message: 'parses JSON: what others sent is parsed by the core in one place, packages/core/src/base/json.ts',
    finds: (call) => isMember(call, 'JSON', 'parse'),
    except: {
      'packages/core/src/base/json.ts': 'is the one place',
      'packages/resource-server/src/json.ts': 'is the one place of a package that imports nothing of ours',
      'packages/core/src/ports-node/generate.ts': 'copies a key that it has just made',
      'packages/core/src/ports-node/signing-key.ts': 'copies a key that it has just exported',
      'packages/core/src/ports-web/generate.ts': 'copies a key that it has just made',
      'apps/idp/src/config/file.ts': "reads the operator's own configuration file",
      'packages/postgres/src/values.ts': 'reads back what the store itself wrote',
      'packages/embedded-postgres/src/folder.ts': "reads the data folder's own marker",
      'packages/embedded-postgres/src/binaries.ts': 'reads lists of the installed packages',
      'packages/embedded-postgres/src/owner.ts': "reads the data folder's own record of its server",
    },
  },
]

const WAYS_OUT: Readonly<Record<string, readonly string[]>> = {
  'node:http': ['request', 'get'],
  'node:https': ['request', 'get'],
  'node:http2': ['connect'],
  'node:net': ['connect', 'createConnection', 'Socket'],
  'node:tls': ['connect', 'TLSSocket'],
  'node:dgram': ['createSocket'],
}

/** Files that open connections all the same, each with its reason. */
const MAY_REACH_OUT: Readonly<Record<string, string>> = {
  'packages/fetcher/src/connect.ts': 'is the one guarded module',
  'packages/fetcher/src/exchange.ts': 'is the one guarded module',
  'packages/embedded-postgres/src/wire.ts': 'asks the Postgres that it has just started',
  'packages/postgres/src/connect.ts': "connects to the operator's own database",
}

const reachesOut = ({ specifier, names, typeOnly }: Import): boolean =>
  !typeOnly && names.some((name) => (WAYS_OUT[specifier] ?? []).includes(name))

// What others run in earnest: the demonstration is a relying party with its own manners.
const SOURCE = /^(packages\/[^/]+|apps\/idp)\/src\/.*\.ts$/
const TEST = /^(packages|apps)\/[^/]+\/test\/.*\.ts$/

/** What sources do that no source may. */
export const checkSources = (tree: Tree): readonly Fault[] =>
  filesOf(tree, SOURCE).flatMap(([file, text]) => {
    const source = parseSource(file, text)
    const faults: Fault[] = importsOf(source)
      .filter((one) => reachesOut(one) && !Object.hasOwn(MAY_REACH_OUT, file))
      .map(({ line, specifier }) => ({
        file,
        line,
        message: `asks over ${specifier}: what leaves the server is guarded`,
      }))
    eachNode(source, (node) => {
      if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return
      for (const { message, finds, except } of RULES) {
        if (finds(node) && !Object.hasOwn(except, file)) {
          faults.push({ file, line: lineAt(source, node.getStart(source)), message })
        }
      }
    })
    return faults
  })

/** Exceptions of the rules above whose file is gone or no longer needs one. */
export const checkExceptions = (tree: Tree): readonly Fault[] => [
  ...Object.keys(MAY_REACH_OUT)
    .filter((file) => !importsOf(parseSource(file, tree.get(file) ?? '')).some(reachesOut))
    .map((file) => ({ file, line: 1, message: 'may open connections and does not' })),
  ...RULES.flatMap(({ finds, except }) =>
    Object.keys(except).flatMap((file) => {
      const text = tree.get(file)
      let needed = false
      if (text !== undefined) {
        eachNode(parseSource(file, text), (node) => {
          if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && finds(node)) needed = true
        })
      }
      return needed ? [] : [{ file, line: 1, message: 'is excepted from a rule and does not need it' }]
    }),
  ),
]

const LEAVES_OUT: ReadonlySet<string> = new Set(['only', 'skip', 'todo'])

/** Tests that are skipped, promised for later, or run alone. */
export const checkTests = (tree: Tree): readonly Fault[] =>
  filesOf(tree, TEST).flatMap(([file, text]) => {
    const source = parseSource(file, text)
    const faults: Fault[] = []
    const add = (node: ts.Node, word: string): void => {
      faults.push({ file, line: lineAt(source, node.getStart(source)), message: `leaves tests out by ${word}` })
    }
    eachNode(source, (node) => {
      if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return
      const { name, expression } = node.expression
      const isTap = ts.isIdentifier(expression) && expression.text === 't'
      if (isTap && LEAVES_OUT.has(name.text)) add(node, `t.${name.text}`)
      if (!isTap || name.text !== 'test') return
      for (const option of node.arguments.filter(ts.isObjectLiteralExpression).flatMap((one) => one.properties)) {
        const word = option.name?.getText(source) ?? ''
        if (LEAVES_OUT.has(word)) add(option, word)
      }
    })
    return faults
  })
