// Owns the form of refresh tokens: the grant's handle, a 32-byte secret and the grant's mark on it. A successor is derived from the secret
// before it, so that a lost answer can be given again without being kept. Never stores one and never says what it is worth.

import {
  base64url,
  type Digest,
  equalInConstantTime,
  fromBase64url,
  type GrantHandle,
  grantHandle,
  isBase64urlOf,
  reveal,
  type Secret,
  secret,
} from '../base/index.ts'
import { type Context, digestOf } from '../context/index.ts'
import type { RefreshRecord } from '../store/index.ts'

const HANDLE_BYTES = 16
const SECRET_BYTES = 32
const MARK_BYTES = 16
const LENGTH = 86

/** A refresh token as presented, taken apart; nothing of it is believed yet. */
export interface PresentedRefresh {
  readonly token: Secret
  readonly handle: GrantHandle
  readonly secret: Uint8Array
  readonly mark: string
}

/** A refresh token with its digest and the salt that it was derived with, if it was. */
export interface MintedRefresh {
  readonly token: Secret
  readonly digest: Digest
  readonly salt: string | undefined
}

/** Takes a refresh token apart; undefined for anything that was never minted here. */
export const parseRefreshToken = (text: string): PresentedRefresh | undefined => {
  const bytes = isBase64urlOf(text, LENGTH) ? fromBase64url(text) : undefined
  if (bytes === undefined) return undefined
  const mark = bytes.subarray(HANDLE_BYTES + SECRET_BYTES)
  return {
    token: secret(text),
    handle: grantHandle(base64url(bytes.subarray(0, HANDLE_BYTES))),
    secret: bytes.subarray(HANDLE_BYTES, HANDLE_BYTES + SECRET_BYTES),
    mark: base64url(mark),
  }
}

const bytesOf = (text: string): Uint8Array => {
  const bytes = fromBase64url(text)
  if (bytes === undefined) throw new TypeError('a stored salt or mark is not base64url')
  return bytes
}

const markOn = async (context: Context, mark: string, value: Uint8Array): Promise<Uint8Array> =>
  (await context.ports.hasher.hmacSha256(bytesOf(mark), value)).subarray(0, MARK_BYTES)

const assemble = async (
  context: Context,
  parts: { readonly handle: GrantHandle; readonly secret: Uint8Array; readonly mark: string },
  salt: string | undefined,
): Promise<MintedRefresh> => {
  const bytes = new Uint8Array(HANDLE_BYTES + SECRET_BYTES + MARK_BYTES)
  bytes.set(bytesOf(parts.handle), 0)
  bytes.set(parts.secret, HANDLE_BYTES)
  bytes.set(await markOn(context, parts.mark, parts.secret), HANDLE_BYTES + SECRET_BYTES)
  const text = base64url(bytes)
  return { token: secret(text), digest: await digestOf(context, text), salt }
}

/** A grant's first refresh token: 32 random bytes under a fresh mark. */
export const mintFirstRefresh = async (
  context: Context,
  handle: GrantHandle,
): Promise<MintedRefresh & { readonly mark: string }> => {
  const { random } = context.ports
  const mark = base64url(random.bytes(SECRET_BYTES))
  const minted = await assemble(context, { handle, secret: random.bytes(SECRET_BYTES), mark }, undefined)
  return { ...minted, mark }
}

/** The successor of a presented token by a salt: HMAC-SHA-256 with the presented secret as key. The same salt gives the same token. */
export const deriveRefresh = async (
  context: Context,
  presented: PresentedRefresh,
  by: { readonly salt: string; readonly mark: string },
): Promise<MintedRefresh> => {
  const next = await context.ports.hasher.hmacSha256(presented.secret, bytesOf(by.salt))
  return assemble(context, { handle: presented.handle, secret: next, mark: by.mark }, by.salt)
}

/** Whether a presented token was minted for the grant with this refresh state, whenever that was. */
export const isMintedFor = async (
  context: Context,
  presented: PresentedRefresh,
  { mark }: Pick<RefreshRecord, 'mark'>,
): Promise<boolean> => equalInConstantTime(base64url(await markOn(context, mark, presented.secret)), presented.mark)

/** Digest of a presented token, as it is kept. */
export const digestOfPresented = (context: Context, presented: PresentedRefresh): Promise<Digest> =>
  digestOf(context, reveal(presented.token))
