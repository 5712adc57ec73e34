// Owns what is answered and reported when something was thrown. Never shows what it was: the answer carries a reference, the operator's
// log the error.

import { auditEntry } from './audit/index.ts'
import { type Instant, isUnavailable } from './base/index.ts'
import { type Context, referenceCode } from './context/index.ts'
import type { ProviderConfig } from './provider-config.ts'
import type { AuditEntry } from './store/index.ts'
import { jsonReply, pageReply, type Reply } from './wire/index.ts'

/** An answer to a request that failed, and the events to report. */
export interface Fault {
  readonly reply: Reply
  readonly events: readonly AuditEntry[]
}

// Nobody can look this one up: the clock or the randomness failed too.
const NO_REFERENCE = '0000-0000'

const witnessed = (context: Context): { readonly reference: string; readonly now: Instant } | undefined => {
  try {
    return { reference: referenceCode(context), now: context.ports.clock.now() }
  } catch {
    return undefined
  }
}

/** Answers what was thrown: 503 for a dependency that cannot be reached, else 500; as a page or as JSON. Never throws. */
export const faultOf = (
  context: Context,
  error: unknown,
  { route, page }: { readonly route: string; readonly page: boolean },
): Fault => {
  const unavailable = isUnavailable(error)
  const witness = witnessed(context)
  const reference = witness?.reference ?? NO_REFERENCE
  const status = unavailable ? 503 : 500
  const headers: ReadonlyMap<string, string> = unavailable ? new Map([['Retry-After', '5']]) : new Map()
  const detail = unavailable ? 'the service cannot be reached right now' : 'something went wrong on the server'
  const problem = unavailable ? 'unavailable' : 'fault'
  const code = unavailable ? 'temporarily_unavailable' : 'server_error'
  const reply = page
    ? pageReply(status, { problem, reference, detail, client: undefined }, headers)
    : jsonReply(status, { error: code, error_description: `${detail} (${reference})` }, headers)
  const kind = error instanceof Error ? error.name : typeof error
  const events = witness === undefined ? [] : [auditEntry('server.fault', witness.now, { route, reference, kind })]
  return { reply, events }
}

/** Hands events and errors to the embedder. Never throws: a sink that fails, fails no request. */
export type Report = (events: readonly AuditEntry[], error?: unknown) => void

/** Calls a sink. An `async` one fits the type too, and its rejection would end the process. */
const call = (sink: () => unknown, onFailure: (error: unknown) => void): void => {
  try {
    const taken = sink()
    if (taken instanceof Promise) taken.catch(onFailure)
  } catch (error) {
    onFailure(error)
  }
}

/** Where a provider reports to, by its configuration. */
export const reportTo = (config: Pick<ProviderConfig, 'onEvents' | 'onFault'>): Report => {
  // Nobody is left to be told when `onFault` fails itself.
  const fault = (error: unknown): void =>
    call(
      () => config.onFault?.(error),
      () => undefined,
    )
  return (events, error) => {
    if (error !== undefined) fault(error)
    if (events.length > 0) call(() => config.onEvents?.(events), fault)
  }
}
