// Owns the identity provider as a process of its own: its settings, its start, its end, what it said. Never reads its database.

import { spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const IDP = new URL('../../../idp/dist/', import.meta.url)
// A first start makes a database, and a slow machine takes its time for it.
const PATIENCE = 120_000
const LAST_WORDS = 2000

/** A program of the identity provider by its path below `apps/idp/dist`. */
export const programOf = (path: string): string => fileURLToPath(new URL(path, IDP))

/** The settings that all its programs share; nothing of this process's own environment, whose database might be a real one. */
export const settingsOf = (idp: {
  readonly folder: string
  readonly issuer: string
}): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(
    ['PATH', 'HOME', 'TMPDIR', 'LANG'].flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  ),
  VOUCHSAFE_ENV: 'development',
  DATA_FOLDER: idp.folder,
  ISSUER: idp.issuer,
})

/** A running identity provider. */
export interface IdpProcess {
  /** Resolves when it ended, with the last of what it said. */
  readonly ended: Promise<string>
  /** Ends it and waits. */
  readonly stop: () => Promise<void>
}

const isReady = (issuer: string): Promise<boolean> =>
  fetch(`${issuer}/readyz`).then(
    (response) => response.ok,
    () => false,
  )

/** Starts it and waits until it may be asked; rejects with its last words when it ends instead. */
export const startIdp = async (idp: {
  readonly folder: string
  readonly issuer: string
  readonly port: number
}): Promise<IdpProcess> => {
  const logFile = join(idp.folder, 'idp.log')
  const log = openSync(logFile, 'w', 0o600)
  const child = spawn(process.execPath, [programOf('main.js')], {
    env: { ...settingsOf(idp), PORT: String(idp.port) },
    stdio: ['ignore', log, log],
    // In a group of its own: Ctrl-C reaches this process alone, which ends the other in order.
    detached: true,
  })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', () => resolve(readFileSync(logFile, 'utf8').slice(-LAST_WORDS).trim()))
  })
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await ended
  }
  const stopNow = (): void => void stop().then(() => process.exit(1))
  // Signals while it starts: it must not be left behind.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stopNow)
  let over = false
  void ended.then(() => {
    over = true
  })
  const giveUp = Date.now() + PATIENCE
  while (!(await isReady(idp.issuer))) {
    if (over) throw new Error(`The identity provider did not start:\n${await ended}`)
    if (Date.now() > giveUp) {
      await stop()
      throw new Error(`The identity provider was not ready in ${PATIENCE / 1000} s; see ${logFile}.`)
    }
    await sleep(100)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, stopNow)
  return { ended, stop }
}
