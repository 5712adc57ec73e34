// Owns what of a push is kept: the same parser and the same rules as at the authorization endpoint, asked again there, because a client
// may be changed in between. Never stores it.

import { err, type Instant, type MultiMap, type Result } from '../../base/index.ts'
import type { Context } from '../../context/index.ts'
import type { AuthorizationRequestRecord, ClientRecord } from '../../store/index.ts'
import { locateAnswer, parseAuthorizationRequest } from '../authorize/parse.ts'
import { readParameters } from '../authorize/request-parameters.ts'
import type { PushRejection } from './rejection.ts'

/** Judges the request that an authenticated client pushed; its client is the one that proved itself, whatever else it says. */
export const decidePush = async (
  context: Context,
  client: ClientRecord,
  { form, now }: { readonly form: MultiMap; readonly now: Instant },
): Promise<Result<AuthorizationRequestRecord, PushRejection>> => {
  const parameters = await readParameters(context, client, { form, pushed: true, now })
  if (!parameters.ok) return err({ by: 'request', rejection: parameters.error })
  const address = locateAnswer(context, client, parameters.value)
  if (!address.ok) return err({ by: 'address', rejection: address.error })
  const parsed = await parseAuthorizationRequest(context, parameters.value, address.value)
  return parsed.ok ? parsed : err({ by: 'request', rejection: parsed.error })
}
