// Owns: the tiers of the core's rooms: an import goes strictly downward, never sideways except to `wire` and `base`.
// Never: looks at other packages (arrows.ts) or at what a room does with what it imports.
import { posix } from 'node:path'
import { importsOf, parseSource } from './syntax.ts'
import { type Fault, filesOf, type Tree } from './tree.ts'

/** The rooms of packages/core/src from the top down; `provider` is the files beside the rooms, but for the types they share with endpoints. */
const TIERS: readonly (readonly string[])[] = [
  ['provider'],
  ['endpoints', 'admin'],
  ['provider-types'],
  ['grant-types', 'interaction'],
  ['client-auth', 'consent', 'session', 'backchannel', 'dpop', 'bearer'],
  ['client', 'tokens', 'keys', 'claims', 'scope', 'pkce', 'resource', 'replay', 'standing'],
  ['context', 'policy', 'audit'],
  ['store', 'wire', 'ports'],
  ['base', 'spec'],
]

/** Rooms that their own tier may import too. */
const OPEN_TO_PEERS: ReadonlySet<string> = new Set(['wire', 'base'])

/** Rooms beside the tiers, which nothing below the provider imports, and all that they import. */
const ASIDE: Readonly<Record<string, readonly string[]>> = {
  memory: ['store', 'base'],
  'store-contract': ['store', 'base'],
  'ports-node': ['ports', 'base'],
  'ports-web': ['ports', 'base'],
}

const CORE = 'packages/core/src/'

const roomOf = (path: string): string => {
  const [room, ...rest] = path.slice(CORE.length).split('/')
  if (room === 'provider-types.ts') return 'provider-types'
  return room === undefined || rest.length === 0 ? 'provider' : room
}

const tierOf = (room: string): number => TIERS.findIndex((rooms) => rooms.includes(room))

const refuse = (from: string, to: string): string | undefined => {
  if (from === to) return undefined
  const aside = ASIDE[from]
  if (aside !== undefined) {
    return aside.includes(to) ? undefined : `the room ${from} imports only ${aside.join(' and ')}, not ${to}`
  }
  const [above, below] = [tierOf(from), tierOf(to)]
  if (above === -1) return `the room ${from} has no tier`
  if (ASIDE[to] !== undefined) return `the room ${to} is a door of its own; nothing in the core imports it`
  if (below === -1) return `the room ${to} has no tier`
  if (above < below || (above === below && OPEN_TO_PEERS.has(to))) return undefined
  return `the room ${from} imports ${to}, which is ${above === below ? 'beside' : 'above'} it`
}

/** Every import inside the core that does not go down. */
export const checkTiers = (tree: Tree): readonly Fault[] =>
  filesOf(tree, /^packages\/core\/src\/.*\.ts$/).flatMap(([file, text]) =>
    importsOf(parseSource(file, text))
      .filter(({ specifier }) => specifier.startsWith('.'))
      .flatMap(({ specifier, line }) => {
        const target = posix.join(posix.dirname(file), specifier)
        const message = target.startsWith(CORE) ? refuse(roomOf(file), roomOf(target)) : undefined
        return message === undefined ? [] : [{ file, line, message }]
      }),
  )
