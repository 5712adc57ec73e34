// Owns one run of the command line, from words to an exit code. Never changes anything before the whole line was found right.

import { userInfo } from 'node:os'
import { isStoreError } from '@vouchsafe/postgres'
import { type Config, describeProblem, type Environment, loadConfig } from '../config/index.ts'
import { nearestWord } from '../config/spelling.ts'
import { assertMigrated, DatabaseError, migrateDatabase, openDatabase } from '../database/index.ts'
import { KeyFileError, SealError } from '../keys/index.ts'
import { type Arguments, readArguments } from './arguments.ts'
import { CLIENT_COMMANDS } from './client-commands.ts'
import { type Command, type CommandOutcome, EXIT, type ExitCode, ended } from './command.ts'
import { commandHelp, overviewHelp, usageOf } from './help.ts'
import { KEY_COMMANDS, SCHEMA_COMMANDS } from './key-commands.ts'
import { LOGOUT_COMMANDS } from './logout-commands.ts'
import { renderOutput } from './output.ts'
import { REGISTRATION_COMMANDS } from './registration-commands.ts'
import type { Terminal } from './terminal.ts'
import { USER_COMMANDS } from './user-commands.ts'

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  ...SCHEMA_COMMANDS,
  ...USER_COMMANDS,
  ...CLIENT_COMMANDS,
  ...REGISTRATION_COMMANDS,
  ...KEY_COMMANDS,
  ...LOGOUT_COMMANDS,
]

/** What a run is given. */
export interface Run {
  /** The words after the program's name. */
  readonly argv: readonly string[]
  readonly env: Environment
  readonly terminal: Terminal
}

const findCommand = (argv: readonly string[]): Command | undefined =>
  COMMANDS.find(({ path }) => path.every((word, index) => argv[index] === word))

const leadingWords = (argv: readonly string[]): readonly string[] => {
  const end = argv.findIndex((word) => word.startsWith('-'))
  return end === -1 ? argv : argv.slice(0, end)
}

const wantsHelp = (argv: readonly string[]): boolean => {
  const end = argv.indexOf('--')
  return (end === -1 ? argv : argv.slice(0, end)).some((word) => word === '--help' || word === '-h')
}

const answerWithoutCommand = ({ argv, terminal }: Run): ExitCode => {
  const words = leadingWords(argv)
  const isGroup = COMMANDS.some(({ path }) => words.every((word, index) => path[index] === word))
  if (isGroup && (wantsHelp(argv) || argv.length === 0 || words.length === argv.length)) {
    const asked = wantsHelp(argv)
    const help = overviewHelp(COMMANDS, words)
    if (asked) terminal.print(help)
    else terminal.tell(help)
    return asked ? EXIT.done : EXIT.usage
  }
  const meant = nearestWord(
    words.join(' '),
    COMMANDS.map(({ path }) => path.join(' ')),
  )
  terminal.tell(
    `There is no command ${JSON.stringify(words.join(' '))}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
  )
  terminal.tell('vouchsafe --help lists them.')
  return EXIT.usage
}

const actorName = (): string => {
  try {
    return `cli:${userInfo().username}`
  } catch {
    // An account without an entry, as in a container.
    return 'cli'
  }
}

const runOn = async (
  command: Command,
  args: Arguments,
  config: Config,
  terminal: Terminal,
): Promise<CommandOutcome> => {
  const database = await openDatabase(config, { role: 'command', log: () => undefined })
  try {
    if (command.needsSchema) {
      // As at the start of a server, so that a command may come first.
      if (config.database.migrateOnStart) await migrateDatabase(database)
      await assertMigrated(database)
    }
    return await command.run({ args, config, database, terminal, actor: actorName() })
  } finally {
    await database.close()
  }
}

const runCommand = async (command: Command, args: Arguments, { env, terminal }: Run): Promise<CommandOutcome> => {
  const config = await loadConfig(args.configFile === undefined ? env : { ...env, VOUCHSAFE_CONFIG: args.configFile })
  if (!config.ok) return ended(EXIT.configuration, ...config.error.map(describeProblem))
  try {
    return await runOn(command, args, config.value, terminal)
  } catch (error) {
    if (error instanceof DatabaseError) return ended(EXIT.database, error.message)
    if (error instanceof SealError || error instanceof KeyFileError)
      return ended(EXIT.configuration, `${error.message}.`)
    if (isStoreError(error) && error.code === 'store_unavailable') return ended(EXIT.database, `${error.message}.`)
    throw error
  }
}

/** Runs one command line; answers its exit code. Rejects only for a fault of this program. */
export const runCli = async (run: Run): Promise<ExitCode> => {
  const { argv, terminal } = run
  const command = findCommand(argv)
  if (command === undefined) return answerWithoutCommand(run)
  const rest = argv.slice(command.path.length)
  if (wantsHelp(rest)) {
    terminal.print(commandHelp(command))
    return EXIT.done
  }
  const args = readArguments(command, rest)
  if (!args.ok) {
    terminal.tell(args.error)
    terminal.tell(`Usage: ${usageOf(command)}`)
    return EXIT.usage
  }
  const { code, output, notes } = await runCommand(command, args.value, run)
  if (output !== undefined) terminal.print(renderOutput(output, args.value.format))
  for (const note of notes ?? []) terminal.tell(note)
  return code
}
