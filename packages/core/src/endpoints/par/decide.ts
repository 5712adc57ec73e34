// Owns what of a push is kept: the same parser and the same rules as at the authorization endpoint, asked again there, because a client
// may be changed in between. Never stores it.

import { err, type MultiMap, type Result } from '../../base/index.ts'
import type { Context } from '../../context/index.ts'
import type { AuthorizationRequestRecord, ClientRecord } from '../../store/index.ts'
import { locateAnswer, parseAuthorizationRequest } from '../authorize/parse.ts'
import type { PushRejection } from './rejection.ts'

/** Judges the request that an authenticated client pushed; its client is the one that proved itself, whatever else it says. */
export const decidePush = async (
  context: Context,
  client: ClientRecord,
  form: MultiMap,
): Promise<Result<AuthorizationRequestRecord, PushRejection>> => {
  const address = locateAnswer(client, form)
  if (!address.ok) return err({ by: 'address', rejection: address.error })
  const parsed = await parseAuthorizationRequest(context, form, address.value)
  return parsed.ok ? parsed : err({ by: 'request', rejection: parsed.error })
}
