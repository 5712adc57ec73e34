// Owns the name of a key. Never picks a hash function: it is SHA-256, as everywhere.

import { base64url, utf8 } from '../base/index.ts'
import type { PublicJwk } from '../base/jwk.ts'
import type { Hasher } from '../ports/index.ts'

/** The JWK SHA-256 thumbprint, base64url (RFC 7638 §3): 43 characters that name the key and nothing else. */
export const thumbprint = async (jwk: PublicJwk, hasher: Pick<Hasher, 'sha256'>): Promise<string> =>
  // `members` holds the required members alone, in lexicographic order, so its JSON is the canonical form.
  base64url(await hasher.sha256(utf8(JSON.stringify(jwk.members))))
