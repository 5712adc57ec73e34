// Owns reading what a form of ours sends: from our own pages alone, as a form, each field once. Never reads a field's meaning.

import {
  err,
  type MultiMap,
  ok,
  parseForm,
  type Result,
  repeated,
  type Secret,
  secret,
  singleHeader,
  type WireRequest,
} from '@vouchsafe/core'

/** Why a submission was refused before anything of it was looked at. */
export type SubmissionRefusal = 'crossSite' | 'malformed'

/** Fields of a submitted form. */
export interface Submitted {
  /** The field's value; empty when it is absent. */
  readonly text: (name: string) => string
  /** The field's value, hidden from every printer. */
  readonly secret: (name: string) => Secret
}

/**
 * Whether a browser says that the form was not on a page of ours. A browser that says nothing is not trusted either: the form's token
 * decides (WHATWG Fetch, `Origin`; Fetch Metadata, `Sec-Fetch-Site`).
 */
const isCrossSite = (request: WireRequest, ownOrigin: string): boolean => {
  const site = singleHeader(request, 'sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  const origin = singleHeader(request, 'origin')
  return origin !== undefined && origin !== 'null' && origin !== ownOrigin
}

const isForm = (request: WireRequest): boolean =>
  singleHeader(request, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded'

/** Reads a submission. */
export const parseSubmission = (request: WireRequest, issuer: string): Result<Submitted, SubmissionRefusal> => {
  if (isCrossSite(request, new URL(issuer).origin)) return err('crossSite')
  const form: Result<MultiMap, unknown> = isForm(request) ? parseForm(request.body ?? '') : err('malformed')
  if (!form.ok || repeated(form.value, new Set()).length > 0) return err('malformed')
  const text = (name: string): string => form.value.get(name)?.[0] ?? ''
  return ok({ text, secret: (name) => secret(text(name)) })
}
