// Owns what one setting is: its names, its form, its default and its words. Never reads the environment or a file.

import Type, { type TSchema } from 'typebox'
import Value from 'typebox/value'

/** One setting: a value from the environment or the file, checked by a schema. */
export interface Setting<T> {
  /** Name in the environment. */
  readonly env: string
  /** What a value must be, for a person: "a whole number from 0 to 65535". */
  readonly form: string
  readonly fallback: T
  /** The default in words; undefined shows the value itself. */
  readonly fallbackWords: string | undefined
  /** What the setting does, in a sentence or two. */
  readonly words: string
  /** Whether its value is a credential, which no message may repeat. */
  readonly credential: boolean
  /** The value of what the environment or the file holds; undefined when it has not the form. */
  readonly parse: (raw: unknown) => T | undefined
  readonly schema: TSchema
}

/** What every kind of setting is told. */
export interface SettingWords<T> {
  readonly fallback: T
  readonly words: string
  readonly fallbackWords?: string
  readonly credential?: boolean
}

const build = <T>(
  env: string,
  kind: { readonly form: string; readonly schema: TSchema; readonly convert: (raw: unknown) => unknown },
  told: SettingWords<T>,
): Setting<T> => ({
  env,
  form: kind.form,
  schema: kind.schema,
  fallback: told.fallback,
  fallbackWords: told.fallbackWords,
  words: told.words,
  credential: told.credential ?? false,
  parse: (raw) => {
    const value = kind.convert(raw)
    // The schema decides; what it lets through has the type it was built for.
    return Value.Check(kind.schema, value) ? (value as T) : undefined
  },
})

const trimmed = (raw: unknown): unknown => (typeof raw === 'string' ? raw.trim() : raw)

/** A text of 1 to `most` characters on one line. */
export const text = <T extends string | undefined>(
  env: string,
  told: SettingWords<T> & { readonly form: string; readonly most?: number },
): Setting<T> => {
  const schema = Type.String({ minLength: 1, maxLength: told.most ?? 2048, pattern: '^[^\\x00-\\x1f\\x7f]*$' })
  return build(env, { form: told.form, schema, convert: trimmed }, told)
}

/** A whole number between two bounds. */
export const integer = (
  env: string,
  told: SettingWords<number> & { readonly least: number; readonly most: number; readonly unit?: string },
): Setting<number> => {
  const { least, most, unit } = told
  const form = `a whole number from ${least} to ${most}${unit === undefined ? '' : ` (${unit})`}`
  const convert = (raw: unknown): unknown =>
    typeof raw === 'string' && /^-?\d{1,15}$/.test(raw.trim()) ? Number(raw) : raw
  return build(env, { form, schema: Type.Integer({ minimum: least, maximum: most }), convert }, told)
}

const SECONDS_IN: Readonly<Record<string, number>> = { s: 1, m: 60, h: 60 * 60, d: 24 * 60 * 60 }

/** Seconds as people write them: `90`, `90s`, `15m`, `12h`, `30d`. */
export const parseDuration = (raw: unknown): unknown => {
  if (typeof raw !== 'string') return raw
  const found = /^(\d{1,10})([smhd]?)$/.exec(raw.trim())
  return found === null ? raw : Number(found[1]) * (SECONDS_IN[found[2] || 's'] ?? 1)
}

/** Seconds in the largest unit that divides them: `12h`. */
export const durationWords = (seconds: number): string => {
  const unit = ['d', 'h', 'm'].find((name) => seconds > 0 && seconds % (SECONDS_IN[name] ?? 1) === 0) ?? 's'
  return `${seconds / (SECONDS_IN[unit] ?? 1)}${unit}`
}

/** A span of time between two bounds, in seconds. */
export const duration = (
  env: string,
  told: SettingWords<number> & { readonly least: number; readonly most: number },
): Setting<number> => {
  const form = `a time from ${durationWords(told.least)} to ${durationWords(told.most)}, in seconds or as 90s, 15m, 12h, 30d`
  const schema = Type.Integer({ minimum: told.least, maximum: told.most })
  return build(env, { form, schema, convert: parseDuration }, { fallbackWords: durationWords(told.fallback), ...told })
}

/** True or false. */
export const flag = <T extends boolean | undefined>(env: string, told: SettingWords<T>): Setting<T> => {
  const convert = (raw: unknown): unknown => {
    const word = trimmed(raw)
    return word === 'true' ? true : word === 'false' ? false : word
  }
  return build(env, { form: 'true or false', schema: Type.Boolean(), convert }, told)
}

/** One of a few words. */
export const choice = <T extends string>(
  env: string,
  told: SettingWords<T> & { readonly choices: readonly T[] },
): Setting<T> => {
  const schema = Type.Union(told.choices.map((word) => Type.Literal(word)))
  return build(env, { form: `one of ${told.choices.join(', ')}`, schema, convert: trimmed }, told)
}

/** Several texts: separated by commas in the environment, a list in the file. */
export const list = (
  env: string,
  told: SettingWords<readonly string[]> & { readonly form: string; readonly most: number },
): Setting<readonly string[]> => {
  const item = Type.String({ minLength: 1, maxLength: 512, pattern: '^[^\\x00-\\x1f\\x7f]*$' })
  const convert = (raw: unknown): unknown =>
    typeof raw === 'string'
      ? raw
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== '')
      : raw
  return build(env, { form: told.form, schema: Type.Array(item, { maxItems: told.most }), convert }, told)
}
