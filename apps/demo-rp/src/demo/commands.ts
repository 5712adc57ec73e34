// Owns calling the identity provider's command line, as an operator would. Never shows a password in the list of processes.

import { spawn } from 'node:child_process'
import { programOf, settingsOf } from './idp-process.ts'

/** How a command ended. */
export interface CommandResult {
  readonly code: number
  /** What it printed, as JSON; undefined when it printed none. */
  readonly printed: unknown
  readonly told: string
}

/** Runs a command with its words, and with what its standard input is to say. */
export type Commands = (words: readonly string[], input?: string) => Promise<CommandResult>

/** Exit code for a name that is taken (docs/reference/cli.md). */
export const CONFLICT = 4

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The commands on the database in a folder. */
export const createCommands = (idp: { readonly folder: string; readonly issuer: string }): Commands => {
  return (words, input = '') =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [programOf('cli/main.js'), ...words, '--format', 'json'], {
        env: settingsOf(idp),
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      let printed = ''
      let told = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (told += text))
      child.once('error', reject)
      child.once('close', (code) => resolve({ code: code ?? 1, printed: parse(printed), told }))
      // A command that ends before it reads its input is told of by its exit code.
      child.stdin.on('error', () => undefined)
      child.stdin.end(input)
    })
}

/** What a command printed; rejects with its words when it failed. */
export const printedBy = async (commands: Commands, words: readonly string[], input?: string): Promise<unknown> => {
  const { code, printed, told } = await commands(words, input)
  if (code === 0) return printed
  throw new Error(`vouchsafe ${words.slice(0, 2).join(' ')} failed: ${told.trim()}`)
}
