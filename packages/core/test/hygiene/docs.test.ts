// Owns: the checks on what is written about the code: references, doc comments, links, examples; and the proof that each bites.
// Never: judges style.
import t from 'tap'
import { checkDocComments, checkHeaders } from './doc-comments.ts'
import { checkReferences, judgeReferences } from './doc-references.ts'
import { checkExamples, findExamples } from './examples.ts'
import { checkLinks } from './links.ts'
import { describeFaults, type Fault, readTree, repositoryRoot, type Tree, withFiles } from './tree.ts'

const tree = readTree()

const seed = (check: (tree: Tree) => readonly Fault[], files: Readonly<Record<string, string>>): readonly string[] =>
  describeFaults(check(withFiles(new Map(), files)))

t.test('[unit] references to specifications have the fixed form', async (t) => {
  t.same(describeFaults(checkReferences(tree)), [])
})

t.test('[R7636-07] the guide tells whoever writes a client to make verifiers of 256 bits', async (t) => {
  const guide = tree.get('docs/guide/first-sign-in.md') ?? ''
  t.match(guide.replace(/\s+/g, ' '), /code verifier by hand makes it of 32 random bytes \(256 bits\)/)
})

t.test('[unit] a reference in another form is caught', async (t) => {
  const wrong = [
    'RFC 7636, section 4.6',
    'rfc7636 sec 4',
    'RFC7636',
    'see Section 4.6 of it',
    'RFC 7636 4.6, and §4.7',
    'RFC 7636, §4.6',
    'RFC 7636§4.6',
    'Rfc 7636',
    'OpenID Connect Core 1.0',
    'OIDC Core 5.5',
    'Core §5.5',
    'RFC 7636, appendix B',
    'RFC 7636 §B',
  ]
  for (const text of wrong) t.ok(judgeReferences(text), text)
})

t.test('[unit] a reference in the fixed form passes', async (t) => {
  const right = [
    'RFC 7636',
    'RFC 7636 §4.6',
    'RFC 6749 §4.1.3, §5.2 and §10.12',
    'RFC 6819 §4.4.1.6-7',
    'OIDC Core §3.1.2.1',
    'OIDC Discovery §4',
    'RFC 7636 appendix B',
    'RFC 7515 appendix A.2',
    'https://www.rfc-editor.org/rfc/rfc7636#section-4.6',
    'test-fixtures/rfc7636.json',
  ]
  for (const text of right) t.equal(judgeReferences(text), undefined, text)
  const source = '/**\n * One sentence (RFC 7636\n * §4.6).\n */\nexport const x = "rfc7636 sec 4"\n'
  t.same(seed(checkReferences, { 'packages/core/src/pkce/x.ts': source }), [])
  const broken = '// see (RFC\n// 6749 appendix B) and RFC 7636\n// §4.6\n\n// sec 4 here\n'
  t.match(seed(checkReferences, { 'packages/core/src/pkce/x.ts': broken }), [
    /^packages\/core\/src\/pkce\/x\.ts:5 a section/,
  ])
})

t.test('[unit] every export of a package has a doc comment, and every file says what it owns', async (t) => {
  t.same(describeFaults([...checkDocComments(tree), ...checkHeaders(tree)]), [])
})

t.test('[unit] an export without a doc comment and a file without its first line are caught', async (t) => {
  const text =
    '// why\nexport const x = 1\n/** Said. */\nexport type Y = 1\nexport const Y = 1\nconst z = 1\nexport { z }\n'
  t.same(seed(checkDocComments, { 'packages/core/src/x.ts': text }), [
    'packages/core/src/x.ts:2 x is exported without a doc comment',
  ])
  t.match(seed(checkHeaders, { 'packages/core/src/x.ts': 'export {}' }), [/says what it owns/])
})

t.test('[unit] links in pages lead to files and headings', async (t) => {
  t.same(describeFaults(checkLinks(tree)), [])
})

t.test('[unit] a link that leads nowhere is caught', async (t) => {
  const page =
    '# A b\n[x](other.md) [y](#a-b) [z](gone.md)\n[w](other.md#c)\n[v]: ./gone.ts\n`[u](no-link.md)` [t](https://x.example)\n'
  t.same(seed(checkLinks, { 'docs/page.md': page, 'docs/other.md': '## D' }), [
    'docs/page.md:2 gone.md leads nowhere',
    'docs/page.md:3 other.md#c names no heading of docs/other.md',
    'docs/page.md:4 ./gone.ts leads nowhere',
  ])
})

t.test('[unit] examples marked as compiled compile against the built packages', async (t) => {
  t.same(describeFaults(checkExamples(repositoryRoot, findExamples(tree))), [])
})

t.test('[unit] an example that does not compile is caught at its line', async (t) => {
  const mark = '```ts compiled'
  const pages = withFiles(new Map(), {
    'README.md': `# x\n\n${mark}\nimport * as core from '@vouchsafe/core'\nconst n: number = core.noSuchThing\n\`\`\`\n`,
    'packages/core/src/x.ts': `/**\n * ${mark}\n * const ok: string = 'fine'\n * const bad: string = 1\n * \`\`\`\n */\n`,
    'docs/unmarked.md': '```ts\nnot typescript\n```\n',
  })
  const faults = describeFaults(checkExamples(repositoryRoot, findExamples(pages)))
  t.match(faults, [/^README\.md:5 .*noSuchThing/, /^packages\/core\/src\/x\.ts:4 .*not assignable/])
  t.equal(faults.length, 2)
})

t.test(
  '[QA-018] SECURITY.md says versions, private channel, response times, threat model, scope and how fixes are announced',
  async (t) => {
    const page = tree.get('SECURITY.md') ?? ''
    const parts = new Map(page.split(/^##+ /m).map((part) => [part.split('\n', 1)[0] ?? '', part]))
    t.match(parts.get('Supported versions'), /\| latest minor release \| yes \|/)
    t.match(parts.get('Reporting a vulnerability'), /private vulnerability reporting/)
    t.match(parts.get('Reporting a vulnerability'), /answers you \| \d+ working days/)
    t.match(parts.get('Reporting a vulnerability'), /critical \| \d+ days/)
    t.match(parts.get('How fixes are announced'), /advisory/)
    for (const part of ['Threat model', 'In scope', 'Out of scope']) t.ok((parts.get(part) ?? '').length > 300, part)
  },
)
