// Owns reading claims by type. A claim of a wrong type is remembered, and the token that has one is refused whole: a claim that a policy
// looks at may not vanish for being odd. Never says what a claim means.

import { type Json, type JsonObject, member } from './json.ts'

/** Reads claims; an absent one is undefined (or nothing at all), one of a wrong type makes `isSound` false. */
export interface ClaimsReader {
  readonly text: (name: string) => string | undefined
  /** A time in whole seconds since 1970; fractions are cut. */
  readonly seconds: (name: string) => number | undefined
  /** One string, or an array of them. */
  readonly texts: (name: string) => readonly string[]
  readonly object: (name: string) => ClaimsReader | undefined
  /** Says that what was read makes no sense together. */
  readonly spoil: () => void
  readonly isSound: () => boolean
}

const isText = (value: Json): value is string => typeof value === 'string'

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textsOf = (value: Json): readonly string[] | undefined => {
  if (isText(value)) return [value]
  return Array.isArray(value) && value.every(isText) ? value : undefined
}

// A NumericDate may have a fraction (RFC 7519 §2).
const secondsOf = (value: Json): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? Math.floor(value) : undefined

const readerWithin = (claims: JsonObject, shared: { sound: boolean }): ClaimsReader => {
  const spoil = (): void => {
    shared.sound = false
  }
  const take = <T>(name: string, as: (value: Json) => T | undefined): T | undefined => {
    const value = member(claims, name)
    if (value === undefined) return undefined
    const taken = as(value)
    if (taken === undefined) spoil()
    return taken
  }
  return {
    text: (name) => take(name, (value) => (isText(value) ? value : undefined)),
    seconds: (name) => take(name, secondsOf),
    texts: (name) => take(name, textsOf) ?? [],
    object: (name) => take(name, (value) => (isObject(value) ? readerWithin(value, shared) : undefined)),
    spoil,
    isSound: () => shared.sound,
  }
}

/** Makes a reader of claims. */
export const readerOf = (claims: JsonObject): ClaimsReader => readerWithin(claims, { sound: true })
