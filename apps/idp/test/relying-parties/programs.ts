// Owns running a relying party that is a program of Debian's: found or named as missing, started, waited for, ended by its own process
// id. Asserts nothing.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Ending } from './world.ts'

/** A program to run until the test is over. */
export interface Program {
  readonly path: string
  /** Debian's package that it comes from. */
  readonly debian: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Whom to run as; needs root. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** An address that answers, with whatever status, once it is up. */
  readonly origin: string
}

const PATIENCE_MS = 20_000

const answers = (origin: string): Promise<boolean> =>
  fetch(`${origin}/`, { redirect: 'manual' }).then(
    async (response) => {
      await response.arrayBuffer()
      return true
    },
    () => false,
  )

/** Throws, naming the package, where a file of Debian's is missing. */
export const requireFile = (path: string, debian: string): void => {
  if (!existsSync(path)) throw new Error(`${path} is missing: install Debian's package ${debian}`)
}

/** Starts a program and waits until it answers; throws what it printed where it ends before. */
export const startProgram = async (t: Ending, program: Program): Promise<{ readonly output: () => string }> => {
  requireFile(program.path, program.debian)
  const child = spawn(program.path, program.args, {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', ...program.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...program.user,
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    const overdue = setTimeout(() => child.kill('SIGKILL'), 5000)
    await ended
    clearTimeout(overdue)
  })
  const deadline = Date.now() + PATIENCE_MS
  while (!(await answers(program.origin))) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`${program.path} (Debian: ${program.debian}) did not come up: ${text}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { output: () => text }
}
