#!/usr/bin/env node
// Owns the process of the command line. Never holds a command.

import { cleanText } from '../logging/clean.ts'
import { EXIT } from './command.ts'
import { runCli } from './run.ts'
import { processTerminal } from './terminal.ts'

const terminal = processTerminal({ input: process.stdin, output: process.stdout, errors: process.stderr })

try {
  process.exitCode = await runCli({ argv: process.argv.slice(2), env: process.env, terminal })
} catch (error) {
  // A fault's text may quote what it was given.
  terminal.tell(`A fault: ${cleanText(error instanceof Error ? `${error.name}: ${error.message}` : String(error))}`)
  process.exitCode = EXIT.fault
}
