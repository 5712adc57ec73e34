// Owns telling apps of ended sessions what could not be told at once, or by a node that is gone. Never decides what is due.

import type { Provider } from '@vouchsafe/core'

// At most this many rounds at a time, so that the other jobs are not forgotten over a backlog.
const MOST_ROUNDS = 100

/** Works off what is due; every node does it, and none does what another has in hand. */
export const deliverLogouts = async (provider: Pick<Provider, 'deliverLogouts'>): Promise<void> => {
  for (let rounds = 0; rounds < MOST_ROUNDS; rounds++) {
    if ((await provider.deliverLogouts()) === 0) return
  }
}
