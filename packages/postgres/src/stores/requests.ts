// Owns how an authorization request is read back. Never judges one.

import type { AuthorizationRequestRecord } from '@vouchsafe/core'
import { parseStored } from '../values.ts'

/** The request in a column of JSON text, which leaves out what is undefined; a record names every member. */
export const requestOf = (text: string): AuthorizationRequestRecord => {
  const stored = parseStored<AuthorizationRequestRecord>(text)
  return {
    clientId: stored.clientId,
    redirectUri: stored.redirectUri,
    responseMode: stored.responseMode,
    scope: stored.scope,
    state: stored.state,
    nonce: stored.nonce,
    codeChallenge: stored.codeChallenge,
    prompts: stored.prompts,
    maxAge: stored.maxAge,
    loginHint: stored.loginHint,
    requiredSubject: stored.requiredSubject,
    uiLocales: stored.uiLocales,
    acrValues: stored.acrValues,
    claims: stored.claims,
    // Requests that were stored before resources could be named.
    resources: stored.resources ?? [],
    dpopJkt: stored.dpopJkt,
  }
}
