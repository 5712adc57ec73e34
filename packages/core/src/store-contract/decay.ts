// Owns the table of everything that can cease to hold between a decision and its commit. Never says what a store must answer: cases do.

import type { Basis, SessionRecord } from '../store/index.ts'
import type { CaseTools } from './contract.ts'
import { at, on } from './fresh.ts'
import type { SignedIn } from './world.ts'

/** One way in which a basis stops holding, forty seconds after the start of the case. */
export interface Decay {
  readonly title: string
  /** How the session is begun, where that is what runs out. */
  readonly session: Partial<SessionRecord>
  /** What happens after the decision; answers what the basis must be changed to, so that this fault stands alone. */
  spoil(tools: CaseTools, world: SignedIn): Promise<Partial<Basis>>
}

/** When a spoilt basis is presented, in seconds after the start. */
export const PRESENTED = 40

const untouched = async (): Promise<Partial<Basis>> => ({})

/** Everything that can happen to the client. */
export const clientDecays: readonly Decay[] = [
  {
    title: 'the client is deleted',
    session: {},
    spoil: async ({ stores }, { client }) => {
      await stores.clients.deleteClient(client.clientId, on(20))
      return {}
    },
  },
  {
    title: 'the client is disabled, at the version presented',
    session: {},
    spoil: async ({ stores }, { client }) => {
      await stores.clients.updateClient({ ...client, version: 2, disabled: true }, on(20))
      return { clientVersion: 2 }
    },
  },
  {
    title: 'the client has changed, and is enabled',
    session: {},
    spoil: async ({ stores }, { client }) => {
      await stores.clients.updateClient({ ...client, version: 2 }, on(20))
      return {}
    },
  },
]

/** Everything that can happen to the person. */
export const personDecays: readonly Decay[] = [
  {
    title: 'the person is disabled, at the version presented',
    session: {},
    spoil: async ({ stores }, { session }) => {
      await stores.subjects.changeSubject({ subject: session.subject, status: 'disabled' }, on(20))
      return { subjectVersion: 2 }
    },
  },
  {
    title: 'the rights of the person have changed, and he is active',
    session: {},
    spoil: async ({ stores }, { session }) => {
      await stores.subjects.changeSubject({ subject: session.subject, status: 'active' }, on(20))
      return {}
    },
  },
]

/** Everything that can happen to the session. */
export const sessionDecays: readonly Decay[] = [
  {
    title: 'the session was ended',
    session: {},
    spoil: async ({ stores }, { session }) => {
      await stores.sessions.endSession(session.sid, on(20))
      return {}
    },
  },
  {
    title: 'the session has been idle until this instant',
    session: { idleExpiresAt: at(PRESENTED) },
    spoil: untouched,
  },
  {
    title: 'the session has reached its absolute end at this instant',
    session: { absoluteExpiresAt: at(PRESENTED) },
    spoil: untouched,
  },
  {
    title: 'the session was swept away',
    session: { idleExpiresAt: at(5), absoluteExpiresAt: at(5) },
    spoil: async ({ stores }) => {
      await stores.sweeps.sweepExpired({ before: at(6), limit: 100 })
      return {}
    },
  },
]
