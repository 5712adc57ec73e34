// Owns: the check that imports follow the drawn arrows and that the core touches no ambient effect, and the proof that seeded
//   faults of each kind are caught.
// Never: edits the tree: a fault is seeded into a copy in memory.
import t from 'tap'
import { checkAmbient } from './ambient.ts'
import { checkArrows } from './arrows.ts'
import { checkTiers } from './tiers.ts'
import { describeFaults, type Fault, filesOf, readTree, type Tree, withFiles } from './tree.ts'

const tree = readTree()

type Check = (tree: Tree) => readonly Fault[]

/** The packages without their sources: what a seeded file is judged among. */
const bare: Tree = new Map(filesOf(tree, /(^|\/)package\.json$/))

/** What a check says of a file that is written into the bare tree. */
const seed = (check: Check, file: string, text: string): readonly string[] =>
  describeFaults(check(withFiles(bare, { [file]: text })))

const SEEDED = 'packages/core/src/pkce/seeded.ts'

t.test('[unit] packages import each other and third parties by the closed list only', async (t) => {
  t.same(describeFaults(checkArrows(tree)), [])
})

t.test('[unit] inside the core imports go down', async (t) => {
  t.same(describeFaults(checkTiers(tree)), [])
})

t.test('[unit] the core touches no ambient effect outside its ports', async (t) => {
  t.same(describeFaults(checkAmbient(tree)), [])
})

t.test('[unit] a wrong import is caught, whichever way it is written', async (t) => {
  const wrong: readonly (readonly [file: string, text: string])[] = [
    ['packages/core/src/seeded.ts', "import fastify from 'fastify'"],
    ['packages/core/src/seeded.ts', "export * from '@vouchsafe/http/web'"],
    ['packages/http/src/seeded.ts', "import type { X } from '@vouchsafe/postgres'"],
    ['packages/http/src/seeded.ts', "import { x } from '@vouchsafe/core/dist/base/index.js'"],
    ['packages/http/src/seeded.ts', "import { x } from '../../core/src/base/index.ts'"],
    ['packages/http/src/seeded.ts', "const x = await import('jose')"],
    ['packages/fastify/src/seeded.ts', "import { x } from '../../../apps/idp/src/index.ts'"],
    ['packages/fastify/src/seeded.ts', "export type X = import('@vouchsafe/idp').X"],
    ['packages/postgres/src/seeded.ts', "import { x } from '@vouchsafe/core/memory'"],
    ['packages/embedded-postgres/src/seeded.ts', "import { x } from '@vouchsafe/core'"],
    ['packages/resource-server/src/seeded.ts', "import { x } from '@vouchsafe/core'"],
    ['packages/resource-server/src/seeded.ts', "import 'node:crypto'"],
    ['apps/demo-rp/src/seeded.ts', "import { x } from '@vouchsafe/core'"],
    ['packages/core/src/seeded.ts', "import { x } from '#src/base/index.js'"],
    ['packages/unheard-of/src/index.ts', 'export {}'],
  ]
  for (const [file, text] of wrong) t.equal(seed(checkArrows, file, text).length, 1, text)
  t.same(
    seed(checkArrows, 'packages/http/src/seeded.ts', "import { x } from '@vouchsafe/core'\nimport 'node:http'"),
    [],
  )
})

t.test('[unit] a source may not import what its package does not declare', async (t) => {
  const manifest = JSON.stringify({ name: '@vouchsafe/core', dependencies: {} })
  const files = { 'packages/core/package.json': manifest, [SEEDED]: "import { importJWK } from 'jose'" }
  t.match(describeFaults(checkArrows(withFiles(bare, files))), [/does not declare/])
})

t.test('[unit] an import upward, sideways or into a room aside is caught', async (t) => {
  const room = (path: string, target: string): readonly string[] =>
    seed(checkTiers, `packages/core/src/${path}`, `import { x } from '${target}'`)
  t.match(room('pkce/seeded.ts', '../endpoints/token/index.ts'), [/endpoints, which is above it/])
  t.match(room('pkce/seeded.ts', '../scope/index.ts'), [/scope, which is beside it/])
  t.match(room('pkce/seeded.ts', '../provider.ts'), [/provider, which is above it/])
  t.match(room('endpoints/seeded.ts', '../memory/index.ts'), [/a door of its own/])
  t.match(room('memory/seeded.ts', '../wire/index.ts'), [/imports only store and base/])
  t.match(room('ports-web/seeded.ts', '../store/index.ts'), [/imports only ports and base/])
  t.match(room('unheard-of/seeded.ts', '../base/index.ts'), [/has no tier/])
  t.match(room('base/seeded.ts', '../spec/index.ts'), [/beside it/])
  t.same(room('store/seeded.ts', '../wire/index.ts'), [])
  t.same(room('spec/seeded.ts', '../base/index.ts'), [])
  t.same(room('endpoints/token/seeded.ts', '../../pkce/index.ts'), [])
})

t.test('[unit] Date.now() and every other ambient effect in the core is caught', async (t) => {
  const wrong = [
    'export const now = (): number => Date.now()',
    'export const now = (at: Date): number => at.getTime()',
    'export const later = (run: () => void): unknown => setTimeout(run, 1)',
    'export const draw = (): number => Math.random()',
    'export const { random } = Math',
    "export const draw = (): number => Math['random']()",
    'export const id = (): string => globalThis.crypto.randomUUID()',
    'export const ports = { crypto }',
    'export const get = (): unknown => fetch("https://example.com")',
    'export const env = process.env',
    'export const signal = AbortSignal.timeout(5)',
    'export const say = (): void => console.log("here")',
    "import { randomBytes } from 'node:crypto'",
    "const { readFileSync } = await import('node:fs')",
    "import { jwtVerify } from 'jose'",
    "import { SignJWT as Sign } from 'jose'",
    "import * as jose from 'jose'",
    "export { createRemoteJWKSet } from 'jose'",
  ]
  for (const text of wrong) t.equal(seed(checkAmbient, SEEDED, text).length, 1, text)
})

t.test('[unit] a local of the same name, a member and a comment are no ambient effect', async (t) => {
  const fine = [
    'export const wait = (fetch: () => number, ports: { readonly crypto: number }): number => fetch() + ports.crypto',
    'export type Ports = { readonly performance: number; readonly process: string }',
    'const timer = { setTimeout: 1 }\nexport const { setTimeout: first } = timer\n// Date.now() is banned',
    'export const top = Math.max(1, 2)',
    "import type { JWTPayload } from 'jose'\nimport { compactVerify } from 'jose'",
  ]
  for (const text of fine) t.same(seed(checkAmbient, SEEDED, text), [], text)
  t.same(seed(checkAmbient, 'packages/core/src/ports-node/seeded.ts', 'export const now = Date.now()'), [])
  t.same(
    seed(checkAmbient, 'packages/core/src/store-contract/seeded.ts', "import assert from 'node:assert/strict'"),
    [],
  )
})
