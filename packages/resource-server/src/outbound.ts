// Owns what leaves this package: questions to the one issuer that the configuration names. Bounded in time and size, follows no redirect.
// Never asks an address that a request or a token named.

import { fromUtf8 } from './encoding.ts'
import { type JsonObject, parseJsonObject } from './json.ts'
import { err, ok, type Result } from './result.ts'

/** What a fetch function is called with. */
export interface FetchInit {
  readonly method: 'GET' | 'POST'
  readonly headers: Record<string, string>
  readonly body?: string
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** As much of a `Response` as is used: the status, and the body in pieces. */
export interface FetchedResponse {
  readonly status: number
  readonly body: {
    getReader(): {
      read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
      cancel(): Promise<unknown>
    }
  } | null
}

/** The web-standard `fetch`, or any function that works like it. */
export type FetchLike = (url: string, init: FetchInit) => Promise<FetchedResponse>

/** A question to the issuer. */
export interface Question {
  readonly url: string
  /** The form of a POST; a question without one is a GET. */
  readonly form?: URLSearchParams
  readonly authorization?: string
}

/** Why there is no answer to be used. */
export type OutboundFault =
  | { readonly reason: 'issuerUnreachable'; readonly cause: unknown }
  | { readonly reason: 'issuerAnswerMalformed'; readonly cause: string; readonly status: number }

/** Asks a question and answers the JSON object of a 200. */
export type Ask = (question: Question) => Promise<Result<JsonObject, OutboundFault>>

// A set of a hundred keys has about 50 KiB; an answer to introspection is far smaller.
const MAX_BYTES = 131_072

const readBounded = async (response: FetchedResponse): Promise<Uint8Array | undefined> => {
  const reader = response.body?.getReader()
  const pieces: Uint8Array[] = []
  let size = 0
  for (;;) {
    const piece = await reader?.read()
    if (piece === undefined || piece.done) break
    if (piece.value === undefined) continue
    size += piece.value.length
    if (size > MAX_BYTES) {
      void reader?.cancel().catch(() => undefined)
      return undefined
    }
    pieces.push(piece.value)
  }
  const whole = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

const read = async (response: FetchedResponse): Promise<Result<JsonObject, OutboundFault>> => {
  const { status } = response
  const malformed = (cause: string): Result<never, OutboundFault> =>
    err({ reason: 'issuerAnswerMalformed', cause, status })
  if (status !== 200) {
    void response.body
      ?.getReader()
      .cancel()
      .catch(() => undefined)
    return malformed(`answered ${status}`)
  }
  const bytes = await readBounded(response)
  if (bytes === undefined) return malformed('answered too much')
  const text = fromUtf8(bytes)
  const value = text === undefined ? undefined : parseJsonObject(text)
  return value === undefined ? malformed('answered no JSON object') : ok(value)
}

const initOf = ({ form, authorization }: Question, signal: AbortSignal): FetchInit => ({
  method: form === undefined ? 'GET' : 'POST',
  headers: {
    accept: 'application/json',
    ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    ...(authorization === undefined ? {} : { authorization }),
  },
  ...(form === undefined ? {} : { body: form.toString() }),
  // A redirect would carry credentials, or trust, to where the configuration did not send them.
  redirect: 'manual',
  signal,
})

/** Makes the one way out, over the given function or the global `fetch`. */
export const createAsk =
  (given: FetchLike | undefined, timeoutMs: number): Ask =>
  async (question) => {
    const signal = AbortSignal.timeout(timeoutMs)
    // A function that does not heed the signal may not hold the request either.
    const timedOut = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    const init = initOf(question, signal)
    try {
      const answered = given === undefined ? globalThis.fetch(question.url, init) : given(question.url, init)
      return await Promise.race([answered.then(read), timedOut])
    } catch (cause) {
      return err({ reason: 'issuerUnreachable', cause })
    }
  }
