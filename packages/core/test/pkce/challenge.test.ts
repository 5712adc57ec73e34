// Owns the vectors and limits of PKCE.

import { nodeHasher } from '@vouchsafe/core/ports-node'
import t from 'tap'
import { challengeOf, parseChallenge } from '#src/pkce/index.js'

// RFC 7636 appendix B.
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

t.test(
  '[R7636-05] the verifier of the specification answers its challenge, and no text but a verifier answers any',
  async (t) => {
    t.equal(await challengeOf(nodeHasher, VERIFIER), CHALLENGE)
    t.type(await challengeOf(nodeHasher, 'a'.repeat(128)), 'string')
    for (const odd of [
      '',
      'a'.repeat(42),
      'a'.repeat(129),
      `${VERIFIER} `,
      `${VERIFIER}\n`,
      `${VERIFIER}+`,
      `é${VERIFIER}`,
    ]) {
      t.equal(await challengeOf(nodeHasher, odd), undefined, JSON.stringify(odd))
    }
  },
)

t.test('[R7636-08] a challenge that was seen is no verifier of itself', async (t) => {
  t.not(await challengeOf(nodeHasher, CHALLENGE), CHALLENGE)
})

t.test('[R7636-01, R7636-02] a challenge is 43 characters of canonical base64url under S256', async (t) => {
  const parameters = {
    challenge: CHALLENGE,
    method: 'S256',
    nonce: undefined,
    pkce: 'required',
    nonceRule: 'required',
  } as const
  t.same(parseChallenge(parameters), { ok: true, value: CHALLENGE })
  const refused = [
    [{ challenge: undefined }, 'challengeMissing'],
    [{ challenge: undefined, method: undefined }, 'challengeMissing'],
    [{ method: undefined }, 'challengeMethodUnsupported'],
    [{ method: 'plain' }, 'challengeMethodUnsupported'],
    [{ challenge: CHALLENGE.slice(1) }, 'challengeMalformed'],
    [{ challenge: `${CHALLENGE.slice(0, -1)}N` }, 'challengeMalformed'],
    [{ challenge: `${CHALLENGE.slice(0, -1)}=` }, 'challengeMalformed'],
  ] as const
  for (const [over, reason] of refused) {
    t.same(parseChallenge({ ...parameters, ...over }), { ok: false, error: { reason } }, JSON.stringify(over))
  }
})
