// Owns what the issuer publishes about itself, asked when it is first needed (RFC 8414 §3). Never believes a document of another issuer.

import { type JsonObject, textMember } from './json.ts'
import type { Ask } from './outbound.ts'
import type { Rejection } from './rejection.ts'
import { err, ok, type Result } from './result.ts'
import { parseSafeUrl } from './settings.ts'
import { singleFlight } from './single-flight.ts'

/** An endpoint of the issuer by the name of its metadata. */
export type EndpointName = 'jwks_uri' | 'introspection_endpoint'

/** Finds an endpoint of the issuer. */
export type FindEndpoint = (name: EndpointName) => Promise<Result<string, Rejection>>

// Endpoints move rarely, and then both places answer for longer than this.
const LIFETIME = 3600

// An issuer that restarts is asked again soon, yet not by every request.
const RETRY_AFTER = 5

const wellKnownUrls = (issuer: string): readonly string[] => {
  const { origin, pathname } = new URL(issuer)
  const path = pathname === '/' ? '' : pathname.replace(/\/$/, '')
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ]
}

const load = async (ask: Ask, issuer: string): Promise<Result<JsonObject, Rejection>> => {
  let last: Result<JsonObject, Rejection> = err({ reason: 'issuerUnreachable' })
  for (const url of wellKnownUrls(issuer)) {
    const answer = await ask({ url })
    last = answer
    if (answer.ok) break
    // Only "not here" sends the question to the other form.
    if (answer.error.reason === 'issuerUnreachable' || answer.error.status !== 404) break
  }
  if (!last.ok || textMember(last.value, 'issuer') === issuer) return last
  return err({ reason: 'issuerAnswerMalformed', cause: 'its metadata names another issuer' })
}

/** Makes the finder of endpoints of one issuer. */
export const createEndpointFinder = (
  ask: Ask,
  { issuer, now }: { readonly issuer: string; readonly now: () => number },
): FindEndpoint => {
  let known: { readonly answer: Result<JsonObject, Rejection>; readonly until: number } | undefined
  const refresh = singleFlight(async () => {
    const answer = await load(ask, issuer)
    known = { answer, until: now() + (answer.ok ? LIFETIME : RETRY_AFTER) }
    return answer
  })
  return async (name) => {
    const metadata = known !== undefined && known.until > now() ? known.answer : await refresh()
    if (!metadata.ok) return metadata
    const url = textMember(metadata.value, name)
    if (url === undefined) return err({ reason: 'issuerAnswerMalformed', cause: `its metadata has no ${name}` })
    try {
      return ok(parseSafeUrl(url, 'urlInvalid').href)
    } catch (cause) {
      return err({ reason: 'issuerAnswerMalformed', cause })
    }
  }
}
