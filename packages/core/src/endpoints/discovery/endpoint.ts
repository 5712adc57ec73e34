// Owns the discovery endpoints: one document at both well-known forms (OIDC Discovery §4, RFC 8414 §3).

import { isUnavailable } from '../../base/index.ts'
import type { Answer, Context } from '../../context/index.ts'
import { SIGNING_ALGS } from '../../spec/index.ts'
import type { Reply } from '../../wire/index.ts'
import { type MetadataFacts, metadataOf } from './document.ts'

/** The algorithms that have an active key; as they were when the store cannot be reached. */
const readAlgs = async (context: Context, last: string): Promise<string> => {
  try {
    const active = (await context.ports.keys.keys()).filter((key) => key.state === 'active')
    return SIGNING_ALGS.filter((alg) => active.some((key) => key.alg === alg)).join(' ')
  } catch (error) {
    if (last === '' || !isUnavailable(error)) throw error
    return last
  }
}

/** Answers with the metadata; the text is made again only when the set of signing algorithms changes. */
export const discoveryEndpoint = (
  context: Context,
  facts: Omit<MetadataFacts, 'signingAlgs'>,
): (() => Promise<Answer<Reply>>) => {
  let prepared = { algs: '', body: '' }
  return async () => {
    const algs = await readAlgs(context, prepared.algs)
    const signingAlgs = SIGNING_ALGS.filter((alg) => algs.split(' ').includes(alg))
    if (prepared.algs !== algs) prepared = { algs, body: JSON.stringify(metadataOf({ ...facts, signingAlgs })) }
    const headers = new Map([['Cache-Control', 'public, max-age=300']])
    const reply: Reply = { kind: 'json', status: 200, contentType: 'application/json', body: prepared.body, headers }
    return { reply, events: [] }
  }
}
