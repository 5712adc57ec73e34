// Owns what an embedder's own pages call about the sessions of a browser. Never shows a page.

import { ok } from './base/index.ts'
import type { Context } from './context/index.ts'
import type { BrowserSessions } from './provider-types.ts'
import {
  endSessions,
  ensureBrowser,
  findBrowser,
  formToken,
  isFormToken,
  liveSessions,
  startSession,
} from './session/index.ts'
import type { SessionRecord } from './store/index.ts'

/** Binds the calls to their surroundings. */
export const sessionsOf = (context: Context): BrowserSessions => {
  const now = (): ReturnType<typeof context.ports.clock.now> => context.ports.clock.now()
  return {
    current: (request) => liveSessions(context, request, now()),
    start: async (request, facts) => {
      const at = now()
      const held = await liveSessions(context, request, at)
      const started = await startSession(context, { held, facts, network: request.remoteAddress, now: at })
      return started.ok ? ok([started.value.cookie]) : started
    },
    end: async (request, sid) => {
      const at = now()
      const ends = (session: SessionRecord): boolean => sid === 'all' || session.sid === sid
      const held = await liveSessions(context, request, at)
      return [await endSessions(context, held, { ends, reason: 'signOut', now: at })]
    },
    formToken: async (request, form) => {
      const browser = await ensureBrowser(context, request)
      return { csrf: await formToken(context, browser, form), cookies: browser.cookies }
    },
    isFormToken: async (request, form, csrf) => {
      const browser = await findBrowser(context, request)
      return browser !== undefined && (await isFormToken(context, browser, { form, csrf }))
    },
  }
}
