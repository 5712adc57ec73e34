// Owns the reference page of the settings, written from their table. Never holds a word about a setting itself.

import { GROUPS, type RawSettings, SETTINGS } from './settings.ts'

const HEAD = `# Configuration

<!-- Written from the table of settings by \`node apps/idp/dist/config/write-reference.js\`; a test fails when it is out of date. -->

Settings come from the environment and, where \`VOUCHSAFE_CONFIG\` names one, from a YAML or JSON file; the environment wins. An empty
variable counts as unset. Everything is checked when the server starts, every fault is told at once, and a name in the file that is no
setting is refused. Times are seconds, or a number with \`s\`, \`m\`, \`h\` or \`d\`.
`

const defaultOf = (key: keyof RawSettings): string => {
  const { fallback, fallbackWords } = SETTINGS[key]
  if (fallbackWords === undefined) return `\`${String(fallback)}\``
  return /^\d+[smhd]$/.test(fallbackWords) ? `\`${fallbackWords}\`` : fallbackWords
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

const rowOf = (key: keyof RawSettings): string => {
  const { env, form, words, credential } = SETTINGS[key]
  const told = `${words} Must be ${form}.${credential ? ' A credential: it is never printed.' : ''}`
  return `| \`${env}\`<br>\`${key}\` | ${cell(told)} | ${cell(defaultOf(key))} |`
}

/** The reference page in Markdown. */
export const configurationReference = (): string =>
  [
    HEAD,
    ...GROUPS.map(
      ({ title, keys }) =>
        `## ${title}\n\n| In the environment, in the file | What it does | Default |\n| --- | --- | --- |\n${keys.map(rowOf).join('\n')}\n`,
    ),
  ].join('\n')
