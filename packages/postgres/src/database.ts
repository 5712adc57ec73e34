// Owns how a statement and a short transaction are run: bounded in time, repeated on a conflict, errors without secrets.
// Never knows a table. Nothing is repeated after a lost connection: whether it was committed is then unknown.

import type postgres from 'postgres'
import { codeOf, type PostgresStoreError, storeError, translateError } from './errors.ts'

/** Where queries are written: a pool, or a transaction on one of its connections. */
export type Queries = postgres.ISql

/** Runs transitions on a pool. */
export interface Database {
  /** Runs one statement in a transaction of its own. */
  statement<Row extends object>(write: (sql: Queries) => postgres.PendingQuery<Row[]>): Promise<readonly Row[]>
  /** Runs several statements in one transaction at READ COMMITTED: each sees what was committed before it began. */
  transaction<T>(run: (sql: Queries) => Promise<T>): Promise<T>
  /** As `transaction`, but rolls everything back when the answer says so, and returns it all the same. */
  undoable<T>(run: (sql: Queries) => Promise<T>, isUndone: (answer: T) => boolean): Promise<T>
}

/** How long a transition may take in all, waiting for a connection included, in seconds; above the statement timeout. */
export const DEFAULT_DEADLINE = 10

const ATTEMPTS = 4

/** Conflicts after which the database has undone everything, so that repeating is safe (serialization failure, deadlock). */
const isConflict = (thrown: unknown): boolean => {
  const code = codeOf(thrown)
  return code === '40001' || code === '40P01'
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Repeats a transition that lost a conflict, at most four times in all, with a growing random pause; not after `signal`. */
const withRetry = async <T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (thrown) {
      if (signal.aborted || attempt === ATTEMPTS || !isConflict(thrown)) throw translateError(thrown)
      await pause(Math.random() * 10 * 2 ** attempt)
    }
  }
}

const tooLate = (): PostgresStoreError => storeError('store_unavailable', 'the database did not answer in time')

/**
 * Rejects with `store_unavailable` after `seconds`, and lets `run` know by its signal: the driver itself waits without end for a
 * free connection, and on a connection that fell silent.
 */
export const withDeadline = async <T>(seconds: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(tooLate())
      abort.abort()
    }, seconds * 1000)
  })
  try {
    return await Promise.race([run(abort.signal), expired])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Runs a statement, and takes it out of the driver's queue on `signal`, so that it is not run long after its caller was told of the
 * failure. One that was sent is left alone: the statement timeout ends it, and the driver's way to cancel it may itself fail
 * with nobody to hear it.
 */
const runStatement = async <Row extends object>(
  signal: AbortSignal,
  query: postgres.PendingQuery<Row[]>,
): Promise<readonly Row[]> => {
  const withdraw = (): void => {
    if (Reflect.get(query, 'state') === null) query.cancel()
  }
  signal.addEventListener('abort', withdraw)
  try {
    return await query
  } finally {
    signal.removeEventListener('abort', withdraw)
  }
}

/** Carries an answer out of a transaction that must be rolled back. */
const undone = Symbol('undone')

/** Runs transitions on `sql`, each within `deadline` seconds. Rejects with `store_unavailable` or `store_fault`. */
export const createDatabase = (sql: postgres.Sql, deadline: number): Database => {
  const transaction = async <T>(signal: AbortSignal, run: (queries: Queries) => Promise<T>): Promise<T> => {
    // Boxed, because the driver would await the members of an answer that is an array.
    const { answer } = await sql.begin('isolation level read committed', async (queries) => {
      if (signal.aborted) throw tooLate()
      return { answer: await run(queries) }
    })
    return answer
  }
  return {
    statement: (write) => withDeadline(deadline, (signal) => withRetry(signal, () => runStatement(signal, write(sql)))),
    transaction: (run) => withDeadline(deadline, (signal) => withRetry(signal, () => transaction(signal, run))),
    undoable: async <T>(run: (queries: Queries) => Promise<T>, isUndone: (answer: T) => boolean): Promise<T> => {
      let refusal: { readonly answer: T } | undefined
      const attempt = async (signal: AbortSignal): Promise<T> => {
        try {
          return await transaction(signal, async (queries) => {
            const answer = await run(queries)
            if (!isUndone(answer)) return answer
            refusal = { answer }
            throw undone
          })
        } catch (thrown) {
          if (thrown === undone && refusal !== undefined) return refusal.answer
          throw thrown
        }
      }
      return withDeadline(deadline, (signal) => withRetry(signal, () => attempt(signal)))
    },
  }
}
