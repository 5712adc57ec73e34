// Owns reading what a form of ours sends: as a form, each field once. Never reads a field's meaning; the door
// refuses what other sites send.

import {
  err,
  ok,
  parseForm,
  type Result,
  repeated,
  type Secret,
  secret,
  singleHeader,
  type WireRequest,
} from '@vouchsafe/core'

/** Fields of a submitted form. */
export interface Submitted {
  /** The field's value; empty when it is absent. */
  readonly text: (name: string) => string
  /** The field's value, hidden from every printer. */
  readonly secret: (name: string) => Secret
}

const isForm = (request: WireRequest): boolean =>
  singleHeader(request, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded'

/** Reads a submission; `malformed` for anything but a form with each field once. The door refused other sites before. */
export const parseSubmission = (request: WireRequest): Result<Submitted, 'malformed'> => {
  const form = isForm(request) ? parseForm(request.body ?? '') : undefined
  if (form === undefined || !form.ok || repeated(form.value, new Set()).length > 0) return err('malformed')
  const text = (name: string): string => form.value.get(name)?.[0] ?? ''
  return ok({ text, secret: (name) => secret(text(name)) })
}
