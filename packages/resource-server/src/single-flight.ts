// Owns that many who want one answer at once ask once. Never keeps an answer.

// On Cloudflare Workers one request may not wait for what another one asked: there each asks for itself.
const mayShare = (): boolean => globalThis.navigator?.userAgent !== 'Cloudflare-Workers'

/** Wraps a question so that callers during one flight share its answer. */
export const singleFlight = <T>(ask: () => Promise<T>): (() => Promise<T>) => {
  let flight: Promise<T> | undefined
  return () => {
    if (flight !== undefined && mayShare()) return flight
    const started = ask().finally(() => {
      if (flight === started) flight = undefined
    })
    flight = started
    return started
  }
}
