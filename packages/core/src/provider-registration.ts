// Owns what clients that register themselves may be given, from a configuration. Never answers a request.

import type { RegistrationRules } from './endpoints/registration/endpoint.ts'
import type { ProviderConfig } from './provider-config.ts'
import { OFFLINE_ACCESS, STANDARD_SCOPES } from './spec/index.ts'

// What a client that nobody vouches for may be given: grants that a person approves, never one that a client asks for by itself.
// Not device codes: the page that confirms one does not yet say that nobody vouches for the app.
const APPROVED_GRANTS: ReadonlySet<string> = new Set(['authorization_code', 'refresh_token'])

// Names of groups tell what an organisation is made of; the rest is about the person who is asked.
const REGISTERED_SCOPES = [...STANDARD_SCOPES.filter((scope) => scope !== 'groups'), OFFLINE_ACCESS]

/** The rules of a configuration; undefined where clients cannot register themselves. */
export const registrationRules = (
  { registration, ports }: ProviderConfig,
  built: { readonly endpoint: string; readonly grantTypes: readonly string[] },
): RegistrationRules | undefined =>
  registration === undefined
    ? undefined
    : {
        mode: registration.mode,
        development: registration.development ?? false,
        fetches: ports.fetcher !== undefined,
        scopes: registration.scopes ?? REGISTERED_SCOPES,
        grantTypes: built.grantTypes.filter((grantType) => APPROVED_GRANTS.has(grantType)),
        managedAt: (id) => `${built.endpoint}?client_id=${encodeURIComponent(id)}`,
      }
