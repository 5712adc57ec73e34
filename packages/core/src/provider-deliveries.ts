// Owns composing what tells clients that a session ended with the context of the endpoints, which begin it. Never waits for it.

import { createDeliveries } from './backchannel/index.ts'
import type { Context } from './context/index.ts'
import { contextOf, type ProviderConfig } from './provider-config.ts'
import type { Report } from './provider-faults.ts'

/** The context of every endpoint, and what tells clients that a session ended; nobody is told where that is left out. */
export const withDeliveries = (
  config: ProviderConfig,
  report: Report,
): { readonly context: Context; readonly deliver: () => Promise<number> } => {
  const checked = contextOf(config)
  const { fetcher } = config.ports
  if (!checked.features.backchannelLogout || fetcher === undefined) {
    return { context: checked, deliver: async () => 0 }
  }
  const onEnded: Context['onEnded'] = (sids) => {
    if (sids.length > 0) deliveries.deliver(sids).catch((error: unknown) => report([], error))
  }
  const context = { ...checked, onEnded }
  const deliveries = createDeliveries(context, fetcher)
  return { context, deliver: () => deliveries.deliver('any') }
}
