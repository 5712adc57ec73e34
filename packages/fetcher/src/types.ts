// Owns the words of a request and its outcome: the shape of the core's port `Fetcher`, written down again so that this package needs
// nothing of ours. Never implements anything.

/** One request to an address that somebody else named. */
export interface FetchRequest {
  /** An absolute URL, as it was registered or sent; without a fragment, which is the caller's to take off. */
  readonly url: string
  readonly method: 'GET' | 'POST'
  /** Names in any case. What concerns the connection, cookies, encodings, length and `User-Agent` is left out: the fetcher sets it. */
  readonly headers: ReadonlyMap<string, string>
  /** Sent as UTF-8; undefined for none. */
  readonly body: string | undefined
  /** The most bytes of an answer's body that are read. */
  readonly maxBytes: number
}

/** Why nothing came back. */
export type FetchRefusal =
  | 'urlUnacceptable'
  | 'addressForbidden'
  | 'redirected'
  | 'tooLarge'
  | 'timedOut'
  | 'unreachable'
  | 'coolingDown'
  | 'notText'

/** What became of a request; an answer of any status but a redirect is `answered`. */
export type FetchOutcome =
  | {
      readonly outcome: 'answered'
      readonly status: number
      /** Names in lower case. */
      readonly headers: ReadonlyMap<string, string>
      readonly body: string
    }
  | { readonly outcome: 'refused'; readonly reason: FetchRefusal }

/** The one guarded way out to the network. */
export interface Fetcher {
  /** Never rejects: every failure is an outcome. */
  fetch(request: FetchRequest): Promise<FetchOutcome>
}

/** A refusal by its reason. */
export const refused = (reason: FetchRefusal): FetchOutcome => ({ outcome: 'refused', reason })

/** Options that cannot be worked with; `code` is stable, `option` names what is wrong. */
export class FetcherOptionError extends Error {
  readonly code: string = 'fetcher_option_invalid'
  readonly option: string

  constructor(option: string, message: string) {
    super(`${option}: ${message}`)
    this.name = 'FetcherOptionError'
    this.option = option
  }
}
