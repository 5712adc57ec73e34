// Owns: the rule that a relative link in a page leads to a file, and its anchor to a heading.
// Never: follows a link out of the repository.
import { posix } from 'node:path'
import { type Fault, filesOf, type Tree } from './tree.ts'

const LINK = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\[[^\]]+\]:\s+(\S+)/gm
const ELSEWHERE = /^[a-z][a-z+.-]*:/i

/** The page without its code, whose brackets are no links; line numbers stay. */
const withoutCode = (text: string): string =>
  text.replace(/^(```+|~~~+)[^\n]*\n[\s\S]*?^\1\s*$|`[^`\n]*`/gm, (code) => code.replace(/[^\n]/g, ' '))

const slugOf = (heading: string): string =>
  heading
    .replace(/[`*_]|\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s-]/gu, '')
    .replace(/\s/g, '-')

const anchorsOf = (page: string): ReadonlySet<string> =>
  new Set([...withoutCode(page).matchAll(/^#{1,6}\s+(.*)$/gm)].map(([, heading]) => slugOf(heading ?? '')))

const refuse = (tree: Tree, file: string, link: string): string | undefined => {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? file : posix.join(posix.dirname(file), decodeURIComponent(path)).replace(/\/$/, '')
  const isFolder = [...tree.keys()].some((one) => one.startsWith(`${target}/`))
  if (path.startsWith('/') || target.startsWith('..')) return `${link} does not begin at this page`
  if (!tree.has(target) && !isFolder) return `${link} leads nowhere`
  const page = tree.get(target)
  if (anchor === undefined || page === undefined || !target.endsWith('.md')) return undefined
  return anchorsOf(page).has(anchor) ? undefined : `${link} names no heading of ${target}`
}

/** Every relative link in a Markdown file that leads nowhere. */
export const checkLinks = (tree: Tree): readonly Fault[] =>
  filesOf(tree, /\.md$/).flatMap(([file, text]) => {
    const page = withoutCode(text)
    return [...page.matchAll(LINK)].flatMap((match) => {
      const link = match[1] ?? match[2] ?? ''
      const message = ELSEWHERE.test(link) ? undefined : refuse(tree, file, link)
      return message === undefined ? [] : [{ file, line: page.slice(0, match.index).split('\n').length, message }]
    })
  })
