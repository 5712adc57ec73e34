// Owns how this server logs: one JSON object in a line for each event. Never decides what is logged; whatever is, is cleaned first.

import { isJsonObject, parseJson } from '@vouchsafe/core'
import { type LoggerOptions, symbols } from 'pino'
import type { Config } from '../config/index.ts'
import { cleanUrl, cleanValue } from './clean.ts'

export { cleanText, cleanUrl, cleanValue } from './clean.ts'

interface LoggedRequest {
  readonly method?: unknown
  readonly url?: unknown
}

const describeRequest = ({ method, url }: LoggedRequest): unknown => ({
  method: cleanValue(method),
  ...(typeof url === 'string' ? cleanUrl(url) : {}),
})

// Left as they are for the serializers below: a request or a reply has far more in it than a log may hold.
const cleanArgument = (argument: unknown): unknown => {
  if (typeof argument !== 'object' || argument === null) return cleanValue(argument)
  if (argument instanceof Error) return { err: cleanValue(argument) }
  const { req, res, ...rest } = Object.fromEntries(Object.entries(argument))
  const cleaned = cleanValue(rest)
  return {
    ...(typeof cleaned === 'object' ? cleaned : {}),
    ...(req === undefined ? {} : { req }),
    ...(res === undefined ? {} : { res }),
  }
}

// pino writes the bindings of a child as text when it is made, and by no formatter of ours: they are read back, cleaned and put in place.
const cleanBindings = (child: object): void => {
  const text: unknown = Reflect.get(child, symbols.chindingsSym)
  if (typeof text !== 'string' || text === '') return
  const bindings = parseJson(`{${text.slice(1)}}`, Number.MAX_SAFE_INTEGER)
  const cleaned = isJsonObject(bindings) ? JSON.stringify(cleanValue(bindings)).slice(1, -1) : ''
  Reflect.set(child, symbols.chindingsSym, cleaned === '' ? '' : `,${cleaned}`)
}

/** Settings for pino: every argument of every call is cleaned before it is written, in this logger and in all that are made from it. */
export const loggerOptions = (config: Pick<Config, 'logLevel'>): LoggerOptions => ({
  level: config.logLevel,
  base: null,
  timestamp: () => `,"time":"${new Date().toISOString()}"`,
  formatters: { level: (label) => ({ level: label }) },
  onChild: cleanBindings,
  serializers: {
    req: describeRequest,
    res: (reply: { readonly statusCode?: unknown }) => ({ status: cleanValue(reply.statusCode) }),
    // Cleaned already, where it came as an argument; pino's own would take it apart again.
    err: (cleaned: unknown) => cleaned,
  },
  hooks: {
    logMethod(args, method) {
      const [first, ...rest] = args.map(cleanArgument)
      // What was a message stays one; what was an object stays the first.
      Reflect.apply(method, this, [first, ...rest])
    },
  },
})
