// Owns a strict reader of the HTML that the pages are made of: enough to compare structures and to read attributes.
// It reads only what our templates write (quoted attributes, no CDATA) and throws on anything else, so that markup that slipped in
// through a value cannot go unnoticed.

/** A start tag. */
export interface Tag {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
}

/** What a document consists of: start tags in order, end tags as "/name", and the texts between. */
export interface Markup {
  readonly tags: readonly Tag[]
  /** Tags with the names of their attributes; two documents with the same outline have the same structure. */
  readonly outline: readonly string[]
  readonly texts: readonly string[]
}

const ATTRIBUTE = /\s+([a-zA-Z][\w:.-]*)(?:="([^"<]*)")?/y
const OPENING = /<([a-z][a-z0-9]*)/y
const CLOSING = /<\/([a-z][a-z0-9]*)>/y
const END = /\s*\/?>/y
const TEXT = /[^<]+/y

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&amp;', '&'],
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&quot;', '"'],
  ['&#39;', "'"],
])

/** The text behind its entities; throws on an ampersand that is not one of ours. */
export const decode = (text: string): string =>
  text.replace(/&(?:#?\w+;)?/g, (found) => {
    const value = ENTITIES.get(found)
    if (value === undefined) throw new Error(`stray ampersand in ${JSON.stringify(text.slice(0, 80))}`)
    return value
  })

const reader = (html: string) => {
  let at = 0
  return {
    take: (pattern: RegExp): RegExpExecArray | undefined => {
      pattern.lastIndex = at
      const found = pattern.exec(html)
      if (found === null) return undefined
      at = pattern.lastIndex
      return found
    },
    here: (): string => html.slice(at, at + 80),
    done: (): boolean => at >= html.length,
  }
}

const readTag = (input: ReturnType<typeof reader>, name: string): Tag => {
  const attributes = new Map<string, string>()
  for (let found = input.take(ATTRIBUTE); found !== undefined; found = input.take(ATTRIBUTE)) {
    const [, key = '', value = ''] = found
    if (attributes.has(key)) throw new Error(`${name} has two ${key}`)
    attributes.set(key, decode(value))
  }
  if (input.take(END) === undefined) throw new Error(`a tag does not end: ${input.here()}`)
  return { name, attributes }
}

/** Reads a whole document. */
export const read = (html: string): Markup => {
  const input = reader(html.replace(/^<!doctype html>\n/, ''))
  const tags: Tag[] = []
  const outline: string[] = []
  const texts: string[] = []
  while (!input.done()) {
    const opening = input.take(OPENING)
    const closing = opening === undefined ? input.take(CLOSING) : undefined
    const text = input.take(opening === undefined && closing === undefined ? TEXT : /(?!)/y)
    if (opening !== undefined) {
      const tag = readTag(input, opening[1] ?? '')
      tags.push(tag)
      outline.push(`${tag.name} ${[...tag.attributes.keys()].join(' ')}`)
    } else if (closing !== undefined) outline.push(`/${closing[1]}`)
    else if (text !== undefined) texts.push(decode(text[0]))
    else throw new Error(`markup that no template wrote: ${input.here()}`)
  }
  return { tags, outline, texts }
}

/** All tags of a name. */
export const tagsNamed = (markup: Markup, name: string): readonly Tag[] =>
  markup.tags.filter((tag) => tag.name === name)

/** The texts of a document, joined as a person would read them. */
export const words = (markup: Markup): string => markup.texts.join('').replace(/\s+/g, ' ')
