// Owns: ending Postgres when this process dies without a word (SIGKILL, a closed terminal, Ctrl-C in a program that does not listen).
// Never: the only safeguard: the guard can be killed too, and then the next start ends the orphan.
import { spawn } from 'node:child_process'
import { type Account, spawnOptionsFor } from './account.ts'

/** Lets a shell wait for the end of a pipe that only this process holds open, and then stop the postmaster; the answer dismisses it. */
export const guardPostmaster = (account: Account, pid: number, log: (line: string) => void): (() => void) => {
  const child = spawn('/bin/sh', ['-c', 'read -r _; kill -INT "$1"', 'sh', String(pid)], {
    ...spawnOptionsFor(account),
    stdio: ['pipe', 'ignore', 'ignore'],
    // Ctrl-C must not reach it before it reaches us.
    detached: true,
  })
  child.once('error', (error) =>
    log(`no guard could be started, so a killed run leaves Postgres behind: ${error.message}`),
  )
  child.stdin.on('error', (error) => log(`the guard of Postgres is gone: ${error.message}`))
  child.unref()
  // Node's type hides that a child's pipe is a socket, which would keep a finished program alive.
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref()
  return () => {
    // By force: a guard that reads the end of its pipe would signal a pid that may be somebody else's by then.
    child.kill('SIGKILL')
  }
}
