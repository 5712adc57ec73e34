// Owns the words that a newcomer finds in the terminal after the start. Never logs them: a link in them is a credential.

import type { Config } from '../config/index.ts'

const databaseLine = (config: Config): string =>
  config.database.kind === 'embedded'
    ? `Its own Postgres keeps everything in ${config.dataFolder}; set DATABASE_URL to use yours.`
    : 'It uses the database of DATABASE_URL.'

/** What to say after the start; `setUpUrl` where nobody has an account yet. */
export const welcome = (config: Config, setUpUrl: string | undefined): string => {
  const next =
    setUpUrl === undefined
      ? []
      : ['', 'Nobody has an account yet. Make the first administrator here (once, within a day):', `  ${setUpUrl}`]
  const lines = [
    '',
    `Vouchsafe answers at ${config.issuer}`,
    `  metadata: ${config.issuer}/.well-known/openid-configuration`,
    databaseLine(config),
    ...next,
    '',
    'Register an app and people from another terminal:',
    '  npx vouchsafe client create --help',
    '  npx vouchsafe user create --help',
    '',
  ]
  return `${lines.join('\n')}\n`
}
