// Owns reading the configuration file. Never knows a setting's meaning; a name that is none is answered with the one that was meant.

import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { err, ok, type Result } from '@vouchsafe/core'
import { parseDocument } from 'yaml'
import { type ConfigProblem, problem } from './problem.ts'
import { type RawSettings, SETTING_KEYS, SETTINGS } from './settings.ts'
import { nearestWord } from './spelling.ts'

/** What the file sets, by key. */
export type FileValues = ReadonlyMap<keyof RawSettings, unknown>

// A configuration of every setting takes some 4 KB: more is a mistake, and a bomb of aliases needs room.
const MAX_BYTES = 256 * 1024

/** The setting that a wrong name was probably meant for: its name in the environment, or one that is spelled alike. */
export const suggestKey = (name: string): keyof RawSettings | undefined => {
  const names = new Map<string, keyof RawSettings>(
    SETTING_KEYS.flatMap((key): [string, keyof RawSettings][] => [
      [key.toLowerCase(), key],
      [SETTINGS[key].env.toLowerCase().replaceAll('_', ''), key],
    ]),
  )
  const plain = name
    .slice(0, 100)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
  return names.get(nearestWord(plain, [...names.keys()]) ?? '')
}

const isKey = (name: string): name is keyof RawSettings => SETTING_KEYS.some((key) => key === name)

const unknownName = (name: string): ConfigProblem => {
  const meant = suggestKey(name)
  const shown = JSON.stringify(name.slice(0, 100))
  const hint = meant === undefined ? 'docs/reference/configuration.md lists them all' : `did you mean ${meant}?`
  return { key: undefined, message: `The file sets ${shown}, which is not a setting; ${hint}.` }
}

const parseText = (text: string, path: string): Result<unknown, string> => {
  if (extname(path) === '.json') {
    try {
      return ok(JSON.parse(text))
    } catch {
      return err('is not valid JSON')
    }
  }
  const document = parseDocument(text, { uniqueKeys: true, strict: true, prettyErrors: false })
  const [fault] = document.errors
  if (fault !== undefined) return err(`is not valid YAML (${fault.code} at character ${fault.pos[0]})`)
  try {
    // Aliases could make a small file large; no setting needs one.
    return ok(document.toJS({ maxAliasCount: 0 }))
  } catch {
    return err('uses an alias (*name), which no setting needs')
  }
}

const readText = async (path: string): Promise<Result<string, string>> => {
  try {
    const bytes = await readFile(path)
    return bytes.length > MAX_BYTES ? err('is larger than 256 KiB') : ok(bytes.toString('utf8'))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return err(`cannot be read (${code})`)
  }
}

/** Reads a YAML or JSON file of settings; every name that is no setting is a fault. */
export const readConfigFile = async (path: string): Promise<Result<FileValues, readonly ConfigProblem[]>> => {
  const refuse = (message: string): Result<never, readonly ConfigProblem[]> =>
    err([{ key: undefined, message: `The configuration file ${path} ${message}.` }])
  const text = await readText(path)
  if (!text.ok) return refuse(text.error)
  const parsed = parseText(text.value, path)
  if (!parsed.ok) return refuse(parsed.error)
  const content = parsed.value ?? {}
  if (typeof content !== 'object' || Array.isArray(content)) return refuse('must hold settings by name')
  const values = new Map<keyof RawSettings, unknown>()
  const problems: ConfigProblem[] = []
  for (const [name, value] of Object.entries(content)) {
    if (!isKey(name)) problems.push(unknownName(name))
    else if (value === null) problems.push(problem(name, 'is empty; leave it out to use the default.'))
    else values.set(name, value)
  }
  return problems.length === 0 ? ok(values) : err(problems)
}
