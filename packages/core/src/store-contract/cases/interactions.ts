// Owns the cases on opening, binding and advancing an interaction. Settling is in settle.ts, races are in races/.

import type { InteractionMove, InteractionProgress } from '../../store/index.ts'
import type { CaseTools, StoreCase } from '../contract.ts'
import { at } from '../fresh.ts'
import { interactionFor, opened, register } from '../world.ts'

/** Progress that shows whether it was written. */
export const progressOf = (tools: CaseTools): InteractionProgress => ({
  authenticated: tools.fresh.sessionId(),
  selected: tools.fresh.sessionId(),
  consentShownTo: { sid: tools.fresh.sessionId(), subject: tools.fresh.subject() },
  otherAccount: true,
})

/** Faults of a move, from the strongest to the weakest, with what each is answered with. */
export const MOVE_RANKS = [
  { fault: 'unknown', outcome: 'unknown' },
  { fault: 'browser', outcome: 'mismatched' },
  { fault: 'settled', outcome: 'alreadySettled' },
  { fault: 'expired', outcome: 'expired' },
  { fault: 'revision', outcome: 'stale' },
] as const

/** A move with some of those faults, and when it is made. */
export const faultyMove = (
  tools: CaseTools,
  move: InteractionMove,
  faults: ReadonlySet<(typeof MOVE_RANKS)[number]['fault']>,
): { readonly move: InteractionMove; readonly seconds: number } => ({
  move: {
    id: faults.has('unknown') ? tools.fresh.text() : move.id,
    browserDigest: faults.has('browser') ? tools.fresh.digest() : move.browserDigest,
    revision: faults.has('revision') ? move.revision + 1 : move.revision,
  },
  seconds: faults.has('expired') ? 900 : 899,
})

const settledIf = (isSettled: boolean): { readonly settledAt: ReturnType<typeof at> | undefined } => ({
  settledAt: isSettled ? at(5) : undefined,
})

const advanceOrder: readonly StoreCase[] = MOVE_RANKS.map(({ fault, outcome }, rank) => {
  const weaker = MOVE_RANKS.slice(rank + 1).map((one) => one.fault)
  return {
    ids: [],
    title: `advancing is refused as ${outcome}, before every weaker reason, and nothing is written`,
    covers: [`interactions.advanceInteraction:${outcome}`],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const client = await register(tools)
      for (const faults of [[fault], ...weaker.map((one) => [fault, one]), [fault, ...weaker]]) {
        const set = new Set(faults)
        const { interaction, move } = await opened(tools, client, settledIf(set.has('settled')))
        const faulty = faultyMove(tools, move, set)
        const advance = { ...faulty.move, progress: progressOf(tools), now: at(faulty.seconds) }
        assert.equal(await stores.interactions.advanceInteraction(advance), outcome, faults.join(' and '))
        assert.deepEqual(await stores.interactions.findInteraction(interaction.id), interaction)
      }
    },
  }
})

/** Cases on interactions before they are settled. */
export const interactionCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'an interaction is found as it was opened, every member of its request',
    covers: [
      'interactions.openInteraction:opened',
      'interactions.findInteraction:value',
      'interactions.findInteraction:nothing',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const client = await register(tools)
      const full = interactionFor(tools, client, { progress: progressOf(tools), revision: 3 })
      const plain = interactionFor(tools, client)
      const bare = {
        ...interactionFor(tools, client, { browserDigest: undefined }),
        request: {
          ...plain.request,
          responseMode: 'form_post' as const,
          scope: [],
          state: undefined,
          nonce: 'a nonce',
          codeChallenge: undefined,
          dpopJkt: undefined,
          prompts: [],
          maxAge: undefined,
          loginHint: 'someone@example',
          requiredSubject: fresh.subject(),
          uiLocales: [],
          acrValues: ['gold', 'silver'],
          claims: undefined,
        },
      }
      for (const interaction of [full, plain, bare]) {
        assert.equal(await stores.interactions.findInteraction(interaction.id), undefined)
        assert.equal(await stores.interactions.openInteraction(interaction), 'opened')
        assert.deepEqual(await stores.interactions.findInteraction(interaction.id), interaction)
      }
    },
  },
  {
    ids: [],
    title: 'an interaction without a browser is bound to the first that comes, again to the same, never to another',
    covers: [
      'interactions.bindInteraction:bound',
      'interactions.bindInteraction:mismatched',
      'interactions.bindInteraction:unknown',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const { interaction } = await opened(tools, await register(tools), { browserDigest: undefined })
      const { id } = interaction
      const browserDigest = fresh.digest()
      const bind = (digest: typeof browserDigest): Promise<string> =>
        stores.interactions.bindInteraction({ id, browserDigest: digest, now: at(1) })
      assert.equal(await bind(browserDigest), 'bound')
      assert.equal(await bind(browserDigest), 'bound')
      assert.equal(await bind(fresh.digest()), 'mismatched')
      assert.deepEqual(await stores.interactions.findInteraction(id), { ...interaction, browserDigest })
      const unknown = { id: fresh.text(), browserDigest, now: at(1) }
      assert.equal(await stores.interactions.bindInteraction(unknown), 'unknown')
      assert.equal(await stores.interactions.findInteraction(unknown.id), undefined)
    },
  },
  {
    ids: [],
    title: 'binding judges another browser before settled, and settled before expired, and writes nothing then',
    covers: [
      'interactions.bindInteraction:mismatched',
      'interactions.bindInteraction:alreadySettled',
      'interactions.bindInteraction:expired',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const client = await register(tools)
      const bound = fresh.digest()
      for (const [browserDigest, isSettled, seconds, outcome] of [
        [fresh.digest(), true, 900, 'mismatched'],
        [fresh.digest(), true, 1, 'mismatched'],
        [fresh.digest(), false, 900, 'mismatched'],
        [bound, true, 900, 'alreadySettled'],
        [bound, true, 1, 'alreadySettled'],
        [bound, false, 900, 'expired'],
        [undefined, true, 1, 'alreadySettled'],
        [undefined, false, 900, 'expired'],
        [undefined, false, 899, 'bound'],
      ] as const) {
        const { interaction } = await opened(tools, client, { browserDigest, ...settledIf(isSettled) })
        const binding = { id: interaction.id, browserDigest: bound, now: at(seconds) }
        assert.equal(await stores.interactions.bindInteraction(binding), outcome)
        const after = outcome === 'bound' ? { ...interaction, browserDigest: bound } : interaction
        assert.deepEqual(await stores.interactions.findInteraction(interaction.id), after)
      }
    },
  },
  {
    ids: [],
    title:
      'advancing stores the progress and bumps the revision, and an interaction without a browser cannot be advanced',
    covers: ['interactions.advanceInteraction:advanced', 'interactions.advanceInteraction:mismatched'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const client = await register(tools)
      const { interaction, move } = await opened(tools, client, { revision: 4 })
      const nothing = {
        authenticated: undefined,
        selected: undefined,
        consentShownTo: undefined,
        otherAccount: false,
      }
      for (const [step, progress] of [progressOf(tools), nothing].entries()) {
        const advance = { ...move, revision: 4 + step, progress, now: at(899) }
        assert.equal(await stores.interactions.advanceInteraction(advance), 'advanced')
        const after = { ...interaction, progress, revision: 5 + step }
        assert.deepEqual(await stores.interactions.findInteraction(interaction.id), after)
      }
      const unbound = await opened(tools, client, { browserDigest: undefined })
      const advance = { ...unbound.move, browserDigest: fresh.digest(), progress: progressOf(tools), now: at(1) }
      assert.equal(await stores.interactions.advanceInteraction(advance), 'mismatched')
      assert.deepEqual(await stores.interactions.findInteraction(unbound.interaction.id), unbound.interaction)
    },
  },
  ...advanceOrder,
]
