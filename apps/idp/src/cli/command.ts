// Owns what a command is: its words, its options, what it answers. Never runs one.

import type { Json } from '@vouchsafe/core'
import type { Config } from '../config/index.ts'
import type { OpenDatabase } from '../database/index.ts'
import type { Arguments } from './arguments.ts'
import type { Terminal } from './terminal.ts'

/** How a run ended; the numbers are part of the command line's contract. */
export const EXIT = {
  done: 0,
  /** A rule refused what was asked; nothing was changed. */
  refused: 1,
  /** The command line itself is wrong; nothing was read or changed. */
  usage: 2,
  notFound: 3,
  /** Somebody else has the name, or changed the same thing meanwhile. */
  conflict: 4,
  configuration: 5,
  /** The database cannot be reached, or has another schema than this version. */
  database: 6,
  /** A fault of this program. */
  fault: 70,
} as const

/** One of the exit codes. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What the exit codes mean, for the help and the reference. */
export const EXIT_WORDS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.done, 'done'],
  [EXIT.refused, 'refused by a rule; nothing was changed'],
  [EXIT.usage, 'the command line is wrong; nothing was changed'],
  [EXIT.notFound, 'there is no such person, client, token or key'],
  [EXIT.conflict, 'the name is taken, or somebody changed the same thing meanwhile'],
  [EXIT.configuration, 'the configuration is not usable'],
  [EXIT.database, 'the database cannot be reached, or is not migrated'],
  [EXIT.fault, 'a fault of this program'],
]

/** One option of a command. */
export type OptionSpec = { readonly words: string } & (
  | { readonly kind: 'text' | 'list'; readonly value: string; readonly choices?: readonly string[] }
  /** A whole number, not negative. */
  | { readonly kind: 'number'; readonly value: string }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  /** Present or not. */
  | { readonly kind: 'flag' }
  /** `--name` or `--no-name`; neither leaves it as it is. */
  | { readonly kind: 'toggle' }
)

/** What a command prints: fields of one thing, or rows of a list; and the same as JSON. */
export type Output = { readonly json: Json } & (
  | { readonly fields: readonly (readonly [string, string])[] }
  | { readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] }
)

/** How a command ended. */
export interface CommandOutcome {
  readonly code: ExitCode
  readonly output?: Output
  /** Sentences for the person at the terminal, on the error stream, so that output stays clean. */
  readonly notes?: readonly string[]
}

/** What a command works with. */
export interface CommandCall {
  readonly args: Arguments
  readonly config: Config
  readonly database: OpenDatabase
  readonly terminal: Terminal
  /** Who does it, for the audit log. */
  readonly actor: string
}

/** A command of the command line. */
export interface Command {
  /** Its words: `['client', 'create']`. */
  readonly path: readonly string[]
  readonly summary: string
  readonly positionals: readonly { readonly name: string; readonly words: string }[]
  readonly options: Readonly<Record<string, OptionSpec>>
  /** Options of which at least one must be given; checked with the rest, before anything is opened. */
  readonly required?: readonly string[]
  /** False for the one command that brings the database to the schema that all others need. */
  readonly needsSchema: boolean
  readonly run: (call: CommandCall) => Promise<CommandOutcome>
}

/** An ending with nothing but sentences. */
export const ended = (code: ExitCode, ...notes: readonly string[]): CommandOutcome => ({ code, notes })
