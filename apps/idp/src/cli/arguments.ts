// Owns reading a command line by the options of its command. Never opens or changes anything: what is wrong is told before.

import { parseArgs } from 'node:util'
import { err, ok, type Result } from '@vouchsafe/core'
import { nearestWord } from '../config/spelling.ts'
import type { Command, OptionSpec } from './command.ts'

/** A command line that was read; every name was checked against the command's options. */
export interface Arguments {
  readonly positionals: readonly string[]
  readonly format: 'table' | 'json'
  /** Path given by `--config`. */
  readonly configFile: string | undefined
  text(name: string): string | undefined
  list(name: string): readonly string[] | undefined
  flag(name: string): boolean
  toggle(name: string): boolean | undefined
}

/** Options that every command has. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  format: {
    kind: 'choice',
    choices: ['table', 'json'],
    words: 'How to print: for people (the default) or for programs.',
  },
  config: { kind: 'text', value: 'FILE', words: 'Configuration file; the same as VOUCHSAFE_CONFIG.' },
  help: { kind: 'flag', words: 'Print this help.' },
}

/** The names under which an option is typed. */
export const optionNames = (name: string, spec: OptionSpec): readonly string[] =>
  spec.kind === 'toggle' ? [name, `no-${name}`] : [name]

interface Given {
  readonly name: string
  readonly value: string | undefined
  /** Whether it was typed as `--name=value`, so that a value may begin with a dash. */
  readonly inline: boolean
}

const MAX_VALUE = 100_000

const readTokens = (
  argv: readonly string[],
  specs: Readonly<Record<string, OptionSpec>>,
): { readonly given: readonly Given[]; readonly positionals: readonly string[] } => {
  const options = Object.fromEntries(
    Object.entries(specs).flatMap(([name, spec]) =>
      optionNames(name, spec).map((typed) => [
        typed,
        { type: spec.kind === 'flag' || spec.kind === 'toggle' ? ('boolean' as const) : ('string' as const) },
      ]),
    ),
  )
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const given = tokens.flatMap((token) =>
    token.kind === 'option' ? [{ name: token.name, value: token.value, inline: token.inlineValue === true }] : [],
  )
  return { given, positionals }
}

const valueFault = (name: string, spec: OptionSpec, { value, inline }: Given): string | undefined => {
  if (spec.kind === 'flag' || spec.kind === 'toggle')
    return value === undefined ? undefined : `--${name} takes no value.`
  if (value === undefined || value === '') return `--${name} needs a value.`
  if (!inline && value.startsWith('-'))
    return `--${name} needs a value; write --${name}=${value.slice(0, 40)} if that is it.`
  if (value.length > MAX_VALUE) return `The value of --${name} is too long.`
  if (spec.kind === 'number') return /^\d{1,12}$/.test(value) ? undefined : `--${name} must be a whole number.`
  if (spec.choices === undefined || spec.choices.includes(value)) return undefined
  return `--${name} must be one of ${spec.choices.join(', ')}.`
}

const faultOf = (specs: Readonly<Record<string, OptionSpec>>, given: readonly Given[]): string | undefined => {
  const known = new Map(
    Object.entries(specs).flatMap(([name, spec]) => optionNames(name, spec).map((typed) => [typed, spec] as const)),
  )
  const seen = new Set<string>()
  for (const option of given) {
    const { name } = option
    const spec = known.get(name)
    if (spec === undefined) {
      const meant = nearestWord(name, [...known.keys()])
      return `There is no option --${name}${meant === undefined ? '.' : `; did you mean --${meant}?`}`
    }
    const fault = valueFault(name, spec, option)
    if (fault !== undefined) return fault
    // Of two values, nobody could say which one was meant.
    if (spec.kind !== 'list' && seen.has(name)) return `--${name} is given twice.`
    const opposite = name.startsWith('no-') ? name.slice(3) : `no-${name}`
    if (spec.kind === 'toggle' && seen.has(opposite)) return `--${name} and --${opposite} exclude one another.`
    seen.add(name)
  }
  return undefined
}

const missingOf = (command: Command, given: readonly Given[], positionals: readonly string[]): string | undefined => {
  const wanted = command.positionals[positionals.length]
  if (wanted !== undefined) return `${wanted.name} is missing: ${wanted.words}`
  if (positionals.length > command.positionals.length) {
    return `There is one word too many: ${JSON.stringify(positionals[command.positionals.length])}.`
  }
  const missing = command.required?.filter((name) => !given.some((option) => option.name === name)) ?? []
  return missing.length === 0 ? undefined : `${missing.map((name) => `--${name}`).join(' and ')} must be given.`
}

/** Reads what follows the words of a command; the error is a sentence for the person who typed it. */
export const readArguments = (command: Command, argv: readonly string[]): Result<Arguments, string> => {
  const specs = { ...command.options, ...COMMON_OPTIONS }
  const { given, positionals } = readTokens(argv, specs)
  const fault = faultOf(specs, given) ?? missingOf(command, given, positionals)
  if (fault !== undefined) return err(fault)
  const valuesOf = (name: string): readonly string[] =>
    given.flatMap((option) => (option.name === name && option.value !== undefined ? [option.value] : []))
  const isGiven = (name: string): boolean => given.some((option) => option.name === name)
  return ok({
    positionals,
    format: valuesOf('format')[0] === 'json' ? 'json' : 'table',
    configFile: valuesOf('config')[0],
    text: (name) => valuesOf(name)[0],
    list: (name) => (isGiven(name) ? valuesOf(name) : undefined),
    flag: isGiven,
    toggle: (name) => (isGiven(name) ? true : isGiven(`no-${name}`) ? false : undefined),
  })
}
