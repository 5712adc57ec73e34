// Owns the relation between scopes and protected resources. Never mints a token.

import { OFFLINE_ACCESS, STANDARD_SCOPES } from '../spec/index.ts'
import type { ResourceRecord, ResourceScope } from '../store/index.ts'

const STANDARD: ReadonlySet<string> = new Set([...STANDARD_SCOPES, OFFLINE_ACCESS])

/** Whether any of the scopes belongs to a resource rather than to OpenID Connect. */
export const needsResources = (scope: readonly string[]): boolean => scope.some((value) => !STANDARD.has(value))

/** Identifiers of the resources that own any of the scopes: whom a token is for when the request names none (RFC 8707 §2). */
export const audienceOf = (scope: readonly string[], resources: readonly ResourceRecord[]): readonly string[] =>
  resources
    .filter((resource) => resource.scopes.some((owned) => scope.includes(owned.name)))
    .map((resource) => resource.identifier)

/** The description of a scope by the resource that owns it; undefined for the standard scopes and for one that nobody owns. */
export const describeScope = (scope: string, resources: readonly ResourceRecord[]): ResourceScope | undefined =>
  resources.flatMap((resource) => resource.scopes).find((owned) => owned.name === scope)
