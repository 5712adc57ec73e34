// Owns the file that remembers the passwords and the client of the demonstration, for this machine's user alone. Never prints.

import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What is remembered from one start to the next. */
export interface Kept {
  /** Passwords by user name. */
  readonly passwords: Readonly<Record<string, string>>
  readonly client: { readonly clientId: string; readonly clientSecret: string } | undefined
}

/** Reads and writes what is kept. */
export interface Keeper {
  readonly read: () => Promise<Kept>
  readonly write: (kept: Kept) => Promise<void>
}

const NOTHING: Kept = { passwords: {}, client: undefined }

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const parseKept = (text: string): Kept => {
  const value: unknown = JSON.parse(text)
  if (!isRecord(value)) return NOTHING
  const { passwords, client } = value
  const { clientId, clientSecret } = isRecord(client) ? client : {}
  return {
    passwords: Object.fromEntries(
      Object.entries(isRecord(passwords) ? passwords : {}).flatMap(([name, password]) =>
        typeof password === 'string' ? [[name, password]] : [],
      ),
    ),
    client: typeof clientId === 'string' && typeof clientSecret === 'string' ? { clientId, clientSecret } : undefined,
  }
}

/** The keeper of a folder. */
export const createKeeper = (folder: string): Keeper => {
  const file = join(folder, 'demo.json')
  return {
    read: async () => {
      try {
        return parseKept(await readFile(file, 'utf8'))
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return NOTHING
        throw new Error(`${file} cannot be read; delete ${folder} to begin anew.`, { cause: error })
      }
    },
    write: async (kept) => {
      await writeFile(`${file}.new`, `${JSON.stringify(kept, undefined, 2)}\n`, { mode: 0o600 })
      await rename(`${file}.new`, file)
    },
  }
}
