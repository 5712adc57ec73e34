// Owns the barrier that makes contenders start together. Never judges who should win.

/** Warms up, lines all contenders up at a barrier, lets them go at once and waits for all of them. */
export const raceOf = async <T>(
  contenders: readonly (() => Promise<T>)[],
  around: { readonly warmUp: () => Promise<unknown>; readonly begin: () => void; readonly end: () => void },
): Promise<readonly T[]> => {
  // One call per contender in flight at once, so that a pool has opened its connections before the start: else the first one wins by it.
  await Promise.all(contenders.map(() => around.warmUp()))
  let open = (): void => undefined
  const barrier = new Promise<void>((resolve) => {
    open = resolve
  })
  const runs = contenders.map(async (contender) => {
    await barrier
    return contender()
  })
  around.begin()
  open()
  const endings = await Promise.allSettled(runs)
  around.end()
  return endings.map((ending, index) => {
    if (ending.status === 'fulfilled') return ending.value
    throw new Error(`contender ${index} was rejected instead of answered`, { cause: ending.reason })
  })
}
