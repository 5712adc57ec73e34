// Owns: the form of references to specifications in comments and pages: "RFC 7636 §4.6", "OIDC Core §3.1.2.1".
// Never: checks that a section says what a comment claims.
import { commentsOf, parseSource } from './syntax.ts'
import { type Fault, filesOf, type Tree } from './tree.ts'

/** Documents whose sections are cited, as they are to be written before a section sign; a new one is a line here. */
const DOCUMENTS = [
  'RFC \\d{3,5}',
  'OIDC (?:Core|Discovery|Registration|RP-Initiated Logout|Back-Channel Logout|Front-Channel Logout)',
  'OAuth 2\\.1(?: draft)?',
  'OAuth 2\\.0 (?:Form Post Response Mode|Multiple Response Types)',
  'FAPI 2\\.0(?: Security Profile| Message Signing)?',
  'JARM',
  '(?:Content Security Policy|CSP) Level 3',
  'Web Cryptography API',
  'Fetch Metadata',
  'NIST SP \\d+-\\w+(?: part \\d)?',
  'PostgreSQL manual',
]
const SECTION = '§\\d+(?:\\.\\d+)*(?:-[0-9.]+)?'
const APPENDIX = 'appendix [A-Z](?:\\.\\d+)*(?: to [A-Z](?:\\.\\d+)*)?'

const CITED = new RegExp(
  `(?:${DOCUMENTS.join('|')}) (?:${APPENDIX}|${SECTION}(?:(?:,| and|,? to| or) ${SECTION})*)`,
  'g',
)

/** What is left of a text when well-formed citations are taken out may not look like one. */
const MALFORMED: readonly (readonly [form: RegExp, advice: string])[] = [
  [/§/, 'a section sign stands after its document and one space: "RFC 7636 §4.6"'],
  [/\bsect?(?:ion|\.)? ?\d/i, 'a section is written "RFC 7636 §4.6"'],
  [/\b(?:appendix|chapter) [A-Z0-9]\b/i, 'an appendix is written "RFC 7636 appendix B"'],
  [/\bRFC[-_]?\d|\bRFC {2,}\d|\b(?!RFC )[Rr][Ff][Cc] \d|\brfc[-_]?\d/, 'a standard is written "RFC 7636"'],
  [
    /\bOpenID Connect (?:Core|Discovery|Dynamic|Session|RP-Initiated|Back-Channel|Front-Channel)/,
    'it is written "OIDC Core"',
  ],
  [/\bOIDC(?: Core| Discovery| Registration)? \d/, 'a section is written "OIDC Core §5.5"'],
]

const URL_OR_FILE = /https?:\/\/\S+|\S*\.(?:json|ts|js|md|txt)\b/g

/** Why a line cites a specification in another form than the fixed one; nothing when it does not. */
export const judgeReferences = (text: string): string | undefined => {
  const rest = text.replace(URL_OR_FILE, ' ').replace(CITED, ' ')
  return MALFORMED.find(([form]) => form.test(rest))?.[1]
}

const BREAKS_OFF = /\b(?:RFC|RFC \d{3,5}|OIDC|OIDC [A-Z][\w-]+)$/
const GOES_ON = /^([ \t]*(?:\*|\/\/)?[ \t]*)((?:\d{3,5}\b ?)?(?:§\S+|appendix \S+)?)/

/** The lines of a text, with a citation that is broken over two of them put together on the first. */
const linesOf = (text: string): readonly string[] => {
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    const next = lines[index + 1]
    if (next === undefined || !BREAKS_OFF.test(line)) continue
    const [whole = '', lead = '', rest = ''] = GOES_ON.exec(next) ?? []
    lines[index] = `${line} ${rest}`
    lines[index + 1] = lead + next.slice(whole.length)
  }
  return lines
}

const judgeLines = (file: string, text: string, firstLine: number): readonly Fault[] =>
  linesOf(text).flatMap((line, index) => {
    const message = judgeReferences(line)
    return message === undefined ? [] : [{ file, line: firstLine + index, message: `${message}: ${line.trim()}` }]
  })

/** Comments with those that follow each other line by line put together. */
const blocksOf = (file: string, text: string): readonly { readonly text: string; readonly line: number }[] => {
  const blocks: { text: string; line: number; next: number }[] = []
  for (const comment of commentsOf(parseSource(file, text))) {
    const next = comment.line + comment.text.split('\n').length
    const last = blocks.at(-1)
    if (last !== undefined && last.next === comment.line) {
      last.text += `\n${comment.text}`
      last.next = next
    } else blocks.push({ ...comment, next })
  }
  return blocks
}

/** Every reference in a comment of our sources and tests, or in a page of ours, that has not the fixed form. */
export const checkReferences = (tree: Tree): readonly Fault[] => [
  ...filesOf(tree, /^(packages|apps)\/[^/]+\/(src|test)\/.*\.ts$|^scripts\/.*\.js$/).flatMap(([file, text]) =>
    blocksOf(file, text).flatMap((block) => judgeLines(file, block.text, block.line)),
  ),
  ...filesOf(tree, /\.md$/).flatMap(([file, text]) => judgeLines(file, text, 1)),
]
