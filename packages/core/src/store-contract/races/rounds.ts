// Owns what races share: how many contend, how one winner is told from twenty, how a killer is raced. Never names a store's method.

import type { CaseTools } from '../contract.ts'

/** How many callers stand at the barrier. */
export const CONTENDERS = 20

/** As many values as there are contenders, made before the race so that making them takes no part in it. */
export const each = <T>(make: (index: number) => T): readonly T[] =>
  Array.from({ length: CONTENDERS }, (_, index) => make(index))

/** Runs a race `rounds` times over, each on records of its own. */
export const eachRound = async (tools: CaseTools, round: () => Promise<void>): Promise<void> => {
  for (let count = 0; count < tools.rounds; count++) await round()
}

/** Demands one winner, and the loser's word from all others; answers who won. */
export const oneWinner = (
  tools: CaseTools,
  answers: readonly string[],
  words: { readonly winner: string; readonly loser: string },
): number => {
  const expected = [words.winner, ...answers.slice(1).map(() => words.loser)]
  tools.assert.deepEqual([...answers].sort(), expected.sort())
  return answers.indexOf(words.winner)
}

/** Demands that every answer is one of these words. */
export const onlyThese = (tools: CaseTools, answers: readonly string[], words: readonly string[]): void => {
  tools.assert.deepEqual(
    answers.filter((answer) => !words.includes(answer)),
    [],
    `only ${words.join(' or ')}`,
  )
}

/** A method that goes on until another one ends it for good. */
export interface Ending {
  /** One more try on fresh records; answers its outcome. */
  attempt(): Promise<string>
  kill(): Promise<unknown>
  readonly wins: string
  readonly refused: string
}

/** Races tries against their ending: whatever begins after the ending's own answer is refused, and nothing else is ever answered. */
export const raceEnding = async (tools: CaseTools, ending: Ending): Promise<void> => {
  const { assert } = tools
  assert.equal(await ending.attempt(), ending.wins, 'before the ending')
  let isOver = false
  const tries: { readonly beganAfter: boolean; readonly outcome: string }[] = []
  const contender = async (): Promise<void> => {
    for (let count = 0; count < 3; count++) {
      const beganAfter = isOver
      tries.push({ beganAfter, outcome: await ending.attempt() })
    }
  }
  const killer = async (): Promise<void> => {
    await ending.kill()
    isOver = true
  }
  const half = Array.from({ length: CONTENDERS / 2 }, () => contender)
  await tools.race([...half, killer, ...half])
  for (let count = 0; count < 3; count++) await contender()
  onlyThese(
    tools,
    tries.filter((one) => !one.beganAfter).map((one) => one.outcome),
    [ending.wins, ending.refused],
  )
  onlyThese(
    tools,
    tries.filter((one) => one.beganAfter).map((one) => one.outcome),
    [ending.refused],
  )
}
