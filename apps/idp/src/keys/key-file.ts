// Owns the secret of a server outside production: a file that only its owner can read, made at the first start. Never used in production.

import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, readFile, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Secret, secret } from '@vouchsafe/core'

const NAME = 'key-encryption-secret'

/** A key file that cannot be used; the message is for the operator. */
export class KeyFileError extends Error {
  readonly code = 'key_file'
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

const readSecret = async (path: string): Promise<Secret | undefined> => {
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0) {
      throw new KeyFileError(`${path} can be read by others; run: chmod 600 ${path}`)
    }
    return secret((await readFile(path, 'utf8')).trim())
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Puts a whole file in place or leaves the one that is there: no reader ever sees half a secret, and no second start replaces the first's. */
const putOnce = async (path: string, content: string): Promise<void> => {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, content, { mode: 0o600, flag: 'wx' })
  try {
    await chmod(draft, 0o600)
    await link(draft, path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await unlink(draft)
  }
}

/**
 * The secret in the data folder's key file, made with mode 0600 where there is none yet. Rejects with a `KeyFileError` when others can read it.
 */
export const readOrMakeKeyFile = async (dataFolder: string): Promise<Secret> => {
  const path = join(dataFolder, NAME)
  const found = await readSecret(path)
  if (found !== undefined) return found
  // Open to others to pass through: the own Postgres may run as another user in a folder below.
  await mkdir(dataFolder, { recursive: true })
  await putOnce(path, `${randomBytes(32).toString('base64')}\n`)
  const made = await readSecret(path)
  if (made === undefined) throw new KeyFileError(`${path} was made and is gone again`)
  return made
}
