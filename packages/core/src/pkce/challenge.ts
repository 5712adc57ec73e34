// Owns PKCE: what a challenge must look like, when one is needed, and how a verifier answers it. S256 alone; `plain` is refused
// because a challenge that was seen would be the verifier (RFC 7636 §7.2).

import { base64url, err, isBase64urlOf, ok, type Result, utf8 } from '../base/index.ts'
import type { Hasher } from '../ports/index.ts'

/** Why the PKCE parameters of an authorization request were refused. */
export type PkceRejection = {
  readonly reason: 'challengeMissing' | 'challengeMalformed' | 'challengeMethodUnsupported' | 'nonceMissing'
}

/** PKCE parameters as sent, and what the client's policy asks. */
export interface PkceParameters {
  readonly challenge: string | undefined
  readonly method: string | undefined
  readonly nonce: string | undefined
  readonly pkce: 'required' | 'optional'
  readonly nonceRule: 'required' | 'optional'
}

/** Checks the parameters of RFC 7636 §4.3; the challenge is undefined only where the client may go without (RFC 9700 §2.1.1). */
export const parseChallenge = (parameters: PkceParameters): Result<string | undefined, PkceRejection> => {
  const { challenge, method } = parameters
  if (challenge === undefined && method === undefined) {
    if (parameters.pkce === 'required') return err({ reason: 'challengeMissing' })
    if (parameters.nonce === undefined && parameters.nonceRule === 'required') return err({ reason: 'nonceMissing' })
    return ok(undefined)
  }
  if (challenge === undefined) return err({ reason: 'challengeMissing' })
  // An absent method means `plain` (RFC 7636 §4.3), so it is refused like `plain`.
  if (method !== 'S256') return err({ reason: 'challengeMethodUnsupported' })
  return isBase64urlOf(challenge, 43) ? ok(challenge) : err({ reason: 'challengeMalformed' })
}

const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/

/** The S256 challenge that a verifier answers, or undefined when it is no verifier (RFC 7636 §4.1, §4.6). */
export const challengeOf = async (hasher: Hasher, verifier: string): Promise<string | undefined> =>
  VERIFIER.test(verifier) ? base64url(await hasher.sha256(utf8(verifier))) : undefined
