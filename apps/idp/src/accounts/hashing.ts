// Owns hashing passwords: argon2id, a few at a time, with a short queue. Never knows whose password it is.

import { randomBytes } from 'node:crypto'
import argon2 from 'argon2'
import type { HashingConfig } from '../config/index.ts'

/** Hashes passwords, or says that too many wait already. */
export interface PasswordHasher {
  /** Hashes a password in its one form; the answer holds its salt and its cost. */
  hash(password: string): Promise<string | 'busy'>
  /** Whether a password has this hash. */
  verify(hash: string, password: string): Promise<boolean | 'busy'>
  /** A hash that no password has, of the same cost as a real one. */
  readonly decoy: string
  /** Whether a hash was made at another cost than the present one. */
  isOutdated(hash: string): boolean
  /** Whether the next one would be told `busy`. */
  isFull(): boolean
}

/** Runs at most `concurrency` tasks at once and lets `queue` wait; what comes on top is told so at once. */
export const boundedQueue = (
  limits: Pick<HashingConfig, 'concurrency' | 'queue'>,
): { readonly isFull: () => boolean; readonly run: <T>(task: () => Promise<T>) => Promise<T | 'busy'> } => {
  let running = 0
  const waiting: (() => void)[] = []
  const isFull = (): boolean => running >= limits.concurrency && waiting.length >= limits.queue
  const takeTurn = (): Promise<void> => {
    if (running < limits.concurrency) {
      running++
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      waiting.push(resolve)
    })
  }
  const passTurn = (): void => {
    const next = waiting.shift()
    // The turn goes straight to the next in line, so that nobody who comes later slips in between.
    if (next === undefined) running--
    else next()
  }
  return {
    isFull,
    run: async (task) => {
      if (isFull()) return 'busy'
      await takeTurn()
      try {
        return await task()
      } finally {
        passTurn()
      }
    },
  }
}

const SALT_BYTES = 16
const HASH_BYTES = 32

/** A hasher with the cost and the bounds that are configured: memory for all hashes at once is `memory` times `concurrency`. */
export const createPasswordHasher = async (config: HashingConfig): Promise<PasswordHasher> => {
  const queue = boundedQueue(config)
  const cost = { memoryCost: config.memory, timeCost: config.passes, parallelism: 1 }
  const options = { ...cost, type: argon2.argon2id, hashLength: HASH_BYTES }
  const hash = (password: string): Promise<string> =>
    argon2.hash(Buffer.from(password), { ...options, salt: randomBytes(SALT_BYTES) })
  return {
    hash: (password) => queue.run(() => hash(password)),
    verify: (digest, password) => queue.run(() => argon2.verify(digest, Buffer.from(password))),
    decoy: await hash(randomBytes(32).toString('base64')),
    isOutdated: (digest) => argon2.needsRehash(digest, cost),
    isFull: queue.isFull,
  }
}
