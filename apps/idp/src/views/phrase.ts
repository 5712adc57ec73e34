// Owns sentences with foreign names in them: our words and their words stay apart until the template escapes both.
// Never escapes, never holds a text of its own.

/** A piece of a sentence: our own words, or somebody's name that is set off and isolated from the text around it. */
export type PhrasePart = string | { readonly name: string }

/** A sentence as pieces, in order. */
export type Phrase = readonly PhrasePart[]

/**
 * Builds a sentence whose interpolated values are names.
 *
 * The name stays a piece of its own, so that the template can wrap it in `bdi`: a name written from right to left, or
 * with direction marks in it, cannot reorder the words around it.
 */
export const phrase = (words: TemplateStringsArray, ...names: readonly string[]): Phrase =>
  words.flatMap((word, index): PhrasePart[] => {
    const name = names[index]
    const before: PhrasePart[] = word === '' ? [] : [word]
    return name === undefined ? before : [...before, { name }]
  })

/** The sentence as plain text, for titles and labels. */
export const plain = (sentence: Phrase): string =>
  sentence.map((part) => (typeof part === 'string' ? part : part.name)).join('')
