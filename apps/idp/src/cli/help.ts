// Owns the help of the command line and its reference page, written from the commands. Never holds a word about a command itself.

import { COMMON_OPTIONS } from './arguments.ts'
import { type Command, EXIT_WORDS, type OptionSpec } from './command.ts'

const typedOption = (name: string, spec: OptionSpec): string => {
  switch (spec.kind) {
    case 'flag':
      return `--${name}`
    case 'toggle':
      return `--${name}, --no-${name}`
    case 'choice':
      return `--${name} ${spec.choices.join('|')}`
    case 'list':
      return `--${name} ${spec.value} ...`
    case 'text':
    case 'number':
      return `--${name} ${spec.value}`
  }
}

/** How a command is typed. */
export const usageOf = (command: Command): string =>
  [
    'vouchsafe',
    ...command.path,
    ...command.positionals.map(({ name }) => name),
    ...(command.required ?? []).map((name) => `--${name} ...`),
    '[options]',
  ].join(' ')

const optionLines = (options: Readonly<Record<string, OptionSpec>>): readonly string[] =>
  Object.entries(options).map(([name, spec]) => {
    const typed = typedOption(name, spec)
    return typed.length < 30 ? `  ${typed.padEnd(30)}${spec.words}` : `  ${typed}\n${' '.repeat(32)}${spec.words}`
  })

const exitLines = (): readonly string[] => EXIT_WORDS.map(([code, words]) => `  ${String(code).padEnd(4)}${words}`)

/** Help on one command. */
export const commandHelp = (command: Command): string =>
  [
    command.summary,
    '',
    `Usage: ${usageOf(command)}`,
    ...(command.positionals.length === 0
      ? []
      : ['', ...command.positionals.map(({ name, words }) => `  ${name.padEnd(30)}${words}`)]),
    '',
    'Options:',
    ...optionLines({ ...command.options, ...COMMON_OPTIONS }),
    '',
  ].join('\n')

/** Help on all commands, or on those whose words begin as given. */
export const overviewHelp = (commands: readonly Command[], group: readonly string[]): string => {
  const shown = commands.filter((command) => group.every((word, index) => command.path[index] === word))
  const lines = shown.map((command) => `  ${command.path.join(' ').padEnd(24)}${command.summary}`)
  return [
    'Usage: vouchsafe COMMAND [options]',
    '',
    'Commands:',
    ...lines,
    '',
    'vouchsafe COMMAND --help tells more. The settings are those of the server: see docs/reference/configuration.md.',
    '',
    'Exit codes:',
    ...exitLines(),
    '',
  ].join('\n')
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

const commandPage = (command: Command): string => {
  const options = Object.entries(command.options).map(
    ([name, spec]) => `| \`${cell(typedOption(name, spec))}\` | ${cell(spec.words)} |`,
  )
  const positionals = command.positionals.map(({ name, words }) => `| \`${name}\` | ${cell(words)} |`)
  const rows = [...positionals, ...options]
  const table = rows.length === 0 ? '' : `\n| Argument | What it does |\n| --- | --- |\n${rows.join('\n')}\n`
  return `### ${command.path.join(' ')}\n\n${command.summary}\n\n\`\`\`sh\n${usageOf(command)}\n\`\`\`\n${table}`
}

const HEAD = `# Command line

<!-- Written from the commands by \`node apps/idp/dist/cli/write-reference.js\`; a test fails when it is out of date. -->

\`vouchsafe\` works on the database that the settings name. Where the server runs a Postgres of its own, the command goes to that one while the
server runs, and starts it for its own duration otherwise. Nothing is changed before the whole command line was found right.

Every command takes \`--format table|json\`, \`--config FILE\` and \`--help\`. Answers go to standard output, sentences for people to standard error.
Passwords are asked for, or read from standard input with \`--password-stdin\`; they are never an argument, which others on the machine could read.
`

/** The reference page in Markdown. */
export const commandReference = (commands: readonly Command[]): string => {
  const codes = EXIT_WORDS.map(([code, words]) => `| ${code} | ${words} |`).join('\n')
  return [
    HEAD,
    '## Commands\n',
    ...commands.map(commandPage),
    `## Exit codes\n\n| Code | Meaning |\n| --- | --- |\n${codes}\n`,
  ].join('\n')
}
