// Owns guessing which word was meant. Never corrects anything by itself.

const MAX_LENGTH = 100

const distance = (left: string, right: string): number => {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const next = [i]
    for (let j = 1; j <= right.length; j++) {
      const swap = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[right.length] ?? 0
}

/** The known word that begins like a wrong one, or is spelt most like it; undefined when none is near (a third of its letters may differ). */
export const nearestWord = (wrong: string, known: readonly string[]): string | undefined => {
  if (wrong.length > MAX_LENGTH) return undefined
  const longer = wrong.length < 3 ? undefined : known.find((word) => word.startsWith(wrong))
  if (longer !== undefined) return longer
  const [nearest] = known
    .map((word) => ({ word, off: distance(wrong, word) }))
    .toSorted((left, right) => left.off - right.off)
  return nearest !== undefined && nearest.off <= Math.max(1, Math.floor(wrong.length / 3)) ? nearest.word : undefined
}
