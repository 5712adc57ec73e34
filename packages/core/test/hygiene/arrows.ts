// Owns: which package may import which, our own and third-party: a closed list. A new arrow or a new dependency is a line
//   here, in the commit that says why.
// Never: looks inside the core; its rooms have tiers of their own (tiers.ts).
import { posix } from 'node:path'
import { type Import, importsOf, parseSource } from './syntax.ts'
import { type Fault, filesOf, type Tree } from './tree.ts'

/** Doors of our own packages and third-party packages that one workspace may import, in its sources and beyond that in its tests. */
type Allowance = {
  readonly own: readonly string[]
  readonly third: readonly string[]
  readonly ownInTests: readonly string[]
  readonly thirdInTests: readonly string[]
}

const CORE = '@vouchsafe/core'
/** Doors that tests compose a provider from. */
const CORE_IN_TESTS = [
  `${CORE}/admin`,
  `${CORE}/keys`,
  `${CORE}/memory`,
  `${CORE}/ports-node`,
  `${CORE}/ports-web`,
  `${CORE}/store-contract`,
]
const EMBEDDED = '@vouchsafe/embedded-postgres'

/** The closed list. An entry names a door (`@vouchsafe/core/memory`) or, with `/*`, a package and all its doors. */
const ALLOWED: Readonly<Record<string, Allowance>> = {
  'packages/core': {
    own: [],
    third: ['jose'],
    ownInTests: [],
    // typescript reads the sources for the hygiene tests; fast-check makes hostile input.
    thirdInTests: ['tap', 'typescript', 'fast-check'],
  },
  'packages/http': {
    own: [CORE],
    third: [],
    ownInTests: CORE_IN_TESTS,
    // openid-client signs in at the example that embeds the core.
    thirdInTests: ['tap', 'jose', 'fast-check', 'openid-client'],
  },
  'packages/fastify': {
    own: [CORE, '@vouchsafe/http/*'],
    third: ['fastify'],
    ownInTests: CORE_IN_TESTS,
    thirdInTests: ['tap', 'jose', 'fast-check'],
  },
  'packages/postgres': {
    own: [CORE],
    third: ['postgres'],
    // A whole provider over the stores, and the in-memory ones beside them, for histories that are played on both.
    ownInTests: [
      `${CORE}/store-contract`,
      `${EMBEDDED}/testing`,
      `${CORE}/admin`,
      `${CORE}/memory`,
      `${CORE}/ports-node`,
    ],
    thirdInTests: ['tap', 'fast-check'],
  },
  'packages/fetcher': { own: [], third: [], ownInTests: [], thirdInTests: ['tap', 'fast-check'] },
  'packages/embedded-postgres': { own: [], third: [], ownInTests: [], thirdInTests: ['tap', 'postgres'] },
  'packages/resource-server': {
    own: [],
    third: ['jose'],
    // Our own issuer is one that it meets, over HTTP.
    ownInTests: [CORE, ...CORE_IN_TESTS, '@vouchsafe/http/*'],
    // oauth4webapi is the client that makes proofs and reads challenges; fastify is a framework that an API stands on.
    thirdInTests: ['tap', 'fast-check', 'fastify', 'oauth4webapi'],
  },
  'apps/idp': {
    own: [
      `${CORE}/*`,
      '@vouchsafe/http/*',
      '@vouchsafe/fastify/*',
      '@vouchsafe/fetcher',
      '@vouchsafe/postgres/*',
      `${EMBEDDED}/*`,
    ],
    // @fastify/rate-limit refuses a flood from one network before any work is done for it; pino is Fastify's own logger, which writes
    // before the server stands, too.
    third: ['@fastify/rate-limit', 'argon2', 'eta', 'fastify', 'pino', 'postgres', 'typebox', 'yaml'],
    // The demonstration is the relying party that a browser signs in to.
    ownInTests: ['@vouchsafe/demo-rp/*'],
    // Relying parties that others wrote, a browser to drive, and an accessibility checker.
    thirdInTests: [
      'tap',
      'fast-check',
      'jose',
      '@auth/express',
      'axe-core',
      'express',
      'express-openid-connect',
      'express-session',
      'oauth4webapi',
      'openid-client',
      'passport',
      'passport-openidconnect',
      'playwright-core',
      // A fetch that shows a certificate of the client, which Node's own cannot be told to.
      'undici',
    ],
  },
  'apps/demo-rp': { own: [], third: ['openid-client'], ownInTests: [], thirdInTests: ['tap'] },
}

/** Packages that run on any runtime: their sources import nothing of Node's own. */
const RUNS_ANYWHERE: ReadonlySet<string> = new Set(['packages/resource-server'])

const WORKSPACE_SOURCE = /^(packages|apps)\/[^/]+\/(src|test)\/.*\.ts$/

const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

const isOwn = (specifier: string): boolean => specifier.startsWith('@vouchsafe/')

const isListed = (specifier: string, list: readonly string[]): boolean =>
  list.includes(specifier) || list.includes(`${packageOf(specifier)}/*`)

/** Why a file of a workspace may not import what it imports; nothing when it may. */
const refuse = (
  workspace: string,
  allowance: Allowance,
  place: 'src' | 'test',
  file: string,
  specifier: string,
): string | undefined => {
  const inTests = place === 'test'
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(file), specifier)
    return target.startsWith(`${workspace}/${place}/`) ? undefined : `imports ${specifier}, outside its own ${place}`
  }
  if (specifier.startsWith('#')) return inTests ? undefined : `imports ${specifier}: sources import relatively`
  if (specifier.startsWith('node:')) {
    return RUNS_ANYWHERE.has(workspace) && !inTests ? `imports ${specifier}: it runs where there is no Node` : undefined
  }
  if (isOwn(specifier)) {
    if (/\/(src|dist|dist-test|test)\//.test(specifier))
      return `imports ${specifier}: a package is entered by its doors`
    const isSelf = packageOf(specifier) === `@vouchsafe/${posix.basename(workspace)}`
    const list = inTests ? [...allowance.own, ...allowance.ownInTests] : allowance.own
    return (inTests && isSelf) || isListed(specifier, list)
      ? undefined
      : `imports ${specifier}: no such arrow between our packages`
  }
  const list = inTests ? [...allowance.third, ...allowance.thirdInTests] : allowance.third
  return list.includes(packageOf(specifier))
    ? undefined
    : `imports ${specifier}: not on the list of third-party packages`
}

const declaredBy = (tree: Tree, workspace: string): ReadonlySet<string> => {
  const manifest: unknown = JSON.parse(tree.get(`${workspace}/package.json`) ?? '{}')
  if (typeof manifest !== 'object' || manifest === null || !('dependencies' in manifest)) return new Set()
  return new Set(Object.keys(manifest.dependencies ?? {}))
}

const needsDeclaration = (one: Import): boolean => !/^(\.|#|node:)/.test(one.specifier)

/** Every import that the closed list does not allow, and every import of a source that its package does not declare. */
export const checkArrows = (tree: Tree): readonly Fault[] =>
  filesOf(tree, WORKSPACE_SOURCE).flatMap(([file, text]) => {
    const [group, name, place] = file.split('/')
    const workspace = `${group}/${name}`
    const allowance = ALLOWED[workspace]
    if (allowance === undefined || (place !== 'src' && place !== 'test')) {
      return [{ file, line: 1, message: `${workspace} has no entry in the list of arrows` }]
    }
    const declared = declaredBy(tree, workspace)
    return importsOf(parseSource(file, text)).flatMap((one) => {
      const refusal = refuse(workspace, allowance, place, file, one.specifier)
      if (refusal !== undefined) return [{ file, line: one.line, message: refusal }]
      if (place === 'src' && needsDeclaration(one) && !declared.has(packageOf(one.specifier))) {
        return [{ file, line: one.line, message: `imports ${one.specifier}, which its package.json does not declare` }]
      }
      return []
    })
  })
