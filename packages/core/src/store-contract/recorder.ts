// Owns the record of what a case really did: which method ended how, and which methods were raced. Never changes a call or an answer.

import type { Stores } from '../store/index.ts'

/** What was seen so far, and the doors to see it through. */
export interface Recorder {
  /** The same stores, each call noted. */
  readonly stores: Stores
  readonly observed: ReadonlySet<string>
  readonly raced: ReadonlySet<string>
  /** From here to `endRace`, a method that is called more than once counts as raced. */
  beginRace(): void
  endRace(): void
}

/** The word for how a call ended: the outcome itself, `true` or `false`, `nothing` for undefined, `value` for any other answer. */
export const armOf = (answer: unknown): string => {
  if (answer === undefined) return 'nothing'
  if (typeof answer === 'string' || typeof answer === 'boolean') return String(answer)
  if (typeof answer === 'object' && answer !== null && 'outcome' in answer) return String(answer.outcome)
  return 'value'
}

/** Wraps stores so that every call and its ending are noted. */
export const recordStores = (stores: Stores): Recorder => {
  const observed = new Set<string>()
  const raced = new Set<string>()
  let calls: Map<string, number> | undefined

  const noteCall = (method: string): void => {
    if (calls === undefined) return
    const count = (calls.get(method) ?? 0) + 1
    calls.set(method, count)
    if (count > 1) raced.add(method)
  }

  const wrap = (storeName: string, store: object): object =>
    new Proxy(store, {
      get: (target, key): unknown => {
        const member: unknown = Reflect.get(target, key)
        if (typeof member !== 'function') return member
        const method = `${storeName}.${String(key)}`
        return async (...given: readonly unknown[]): Promise<unknown> => {
          noteCall(method)
          const answer: unknown = await Reflect.apply(member, target, given)
          observed.add(`${method}:${armOf(answer)}`)
          return answer
        }
      },
    })

  return {
    stores: new Proxy(stores, {
      get: (target, key): unknown => {
        const store: unknown = Reflect.get(target, key)
        return typeof store === 'object' && store !== null ? wrap(String(key), store) : store
      },
    }),
    observed,
    raced,
    beginRace: (): void => {
      calls = new Map()
    },
    endRace: (): void => {
      calls = undefined
    },
  }
}
