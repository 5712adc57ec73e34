// Owns JSON as a type and the one place where JSON of others is parsed. Never trusts size, depth or prototypes.

/** A JSON value, readonly. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject

/** A JSON object, readonly. */
export interface JsonObject {
  readonly [name: string]: Json | undefined
}

// Deeper than any claim there is; beyond it recursion costs a stack.
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

// What is verified is handed to an application, and may be cached: nobody may change it for the next request.
const freeze = (value: Json): Json => {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) if (inner !== undefined) freeze(inner)
    Object.freeze(value)
  }
  return value
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Parses the text of a JSON object of at most 20 levels, deeply frozen; undefined when it is anything else. Its size is bounded by the caller. */
export const parseJsonObject = (text: string): JsonObject | undefined => {
  if (depthOf(text) > MAX_DEPTH) return undefined
  try {
    const value: Json = freeze(JSON.parse(text))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** A member of a JSON object by its own name, never one of the prototype. */
export const member = (object: JsonObject, name: string): Json | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined

/** A member that is an object; undefined when it is absent or anything else. */
export const objectMember = (object: JsonObject, name: string): JsonObject | undefined => {
  const value = member(object, name)
  return isObject(value) ? value : undefined
}

/** A member that is a string and not empty; undefined when it is absent or anything else. */
export const textMember = (object: JsonObject, name: string): string | undefined => {
  const value = member(object, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}
