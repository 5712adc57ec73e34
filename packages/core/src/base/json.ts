// Owns JSON as a type and the one place where untrusted JSON text is parsed. Never trusts depth, width or prototypes.

/** A JSON value, readonly. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject

/** A JSON object, readonly. */
export interface JsonObject {
  readonly [name: string]: Json | undefined
}

const MAX_DEPTH = 20

const depthOf = (text: string): number => {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (inString) {
      if (c === 0x5c) i++
      else if (c === 0x22) inString = false
    } else if (c === 0x22) inString = true
    else if (c === 0x7b || c === 0x5b) deepest = Math.max(deepest, ++depth)
    else if (c === 0x7d || c === 0x5d) depth--
  }
  return deepest
}

/** Parses untrusted JSON of at most `limit` characters and 20 levels; undefined when it is not JSON or exceeds them. */
export const parseJson = (text: string, limit: number): Json | undefined => {
  if (text.length > limit || depthOf(text) > MAX_DEPTH) return undefined
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** Whether a JSON value is an object and no array. */
export const isJsonObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A member of a JSON object by its own name, never one of the prototype. */
export const member = (object: JsonObject, name: string): Json | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined
