// Owns the composition of what lets devices in: the endpoint's answers with who may read them, and the calls of an embedder's pages.
// Never holds a rule of the protocol.

import type { Answer, Context } from './context/index.ts'
import { openToClient } from './endpoints/cross-origin.ts'
import { deviceApprovals } from './endpoints/device/approvals.ts'
import { deviceEndpoint } from './endpoints/device/endpoint.ts'
import type { Report } from './provider-faults.ts'
import type { Devices, Route } from './provider-types.ts'
import type { Reply, WireRequest } from './wire/index.ts'

/** The route of the device authorization endpoint (RFC 8628 §3.1). */
export const deviceRoute = (
  context: Context,
  base: string,
  verificationUri: string,
): Route & { readonly open: 'clients'; readonly respond: (request: WireRequest) => Promise<Answer<Reply>> } => {
  const open = deviceEndpoint(context, verificationUri)
  return {
    name: 'device_authorization',
    path: `${base}/device_authorization`,
    methods: ['POST'],
    access: 'client',
    crossOrigin: true,
    open: 'clients',
    respond: async (request) => {
      const answer = await open(request)
      return { reply: await openToClient(context, request, answer), events: answer.events }
    },
  }
}

/** What an embedder's device pages call, with the events of each call reported. */
export const devicesOf = (context: Context, report: Report): Devices => {
  const approvals = deviceApprovals(context)
  const reported = async <T>(answer: Promise<Answer<T>>): Promise<T> => {
    const { reply, events } = await answer
    report(events)
    return reply
  }
  return {
    open: (request, typed) => reported(approvals.open(request, typed)),
    settle: (request, said) => reported(approvals.settle(request, said)),
  }
}
