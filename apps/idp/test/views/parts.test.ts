// The parts below the pages: form_post, texts, addresses, phrases, the stylesheet, and the templates themselves.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { assets, stylesheet, VIEWS_FOLDER } from '#src/views/assets.js'
import { httpsLink, ownPath } from '#src/views/links.js'
import { phrase, plain } from '#src/views/phrase.js'
import { type FormPostPage, renderPage } from '#src/views/render.js'
import { displayName, escapeValue, exact, initials, legible } from '#src/views/text.js'
import { decode, read, tagsNamed } from './markup.ts'
import { context, samples } from './samples.ts'

const page: FormPostPage = {
  kind: 'formPost',
  action: 'https://app.example/callback?tenant=1&x="',
  fields: [
    { name: 'code', value: 'c0de' },
    { name: 'state', value: ' <&">\u202e\'\t' },
  ],
}

t.test(
  '[WEB-037] a form_post page posts to the one target, by a script with the nonce, with a button for those without scripts',
  (test) => {
    const markup = read(renderPage(page, { ...context, nonce: 'n0nce+/=' }))
    test.equal(tagsNamed(markup, 'form').length, 1)
    test.equal(tagsNamed(markup, 'form')[0]?.attributes.get('action'), page.action)
    test.equal(tagsNamed(markup, 'form')[0]?.attributes.get('method'), 'post')
    test.same(
      tagsNamed(markup, 'script').map((tag) => [...tag.attributes]),
      [[['nonce', 'n0nce+/=']]],
    )
    const [button, ...more] = tagsNamed(markup, 'button')
    test.same(more, [])
    test.notOk(button?.attributes.has('name'), 'the button adds no parameter')
    test.same(tagsNamed(read(renderPage(page, context)), 'script'), [], 'without a nonce there is no script')
    test.end()
  },
)

t.test('[WEB-037] a form_post page carries exactly the parameters it was given, byte for byte', (test) => {
  const sent = (fields: FormPostPage['fields']): readonly (readonly [string, string])[] =>
    tagsNamed(read(renderPage({ ...page, fields }, context)), 'input').map((input) => [
      input.attributes.get('name') ?? '',
      input.attributes.get('value') ?? '',
    ])
  test.same(
    sent(page.fields),
    page.fields.map(({ name, value }) => [name, value]),
  )
  const property = fc.property(
    fc.string({ unit: 'binary' }),
    (value) => sent([{ name: 'state', value }])[0]?.[1] === value,
  )
  test.doesNotThrow(() => fc.assert(property))
  test.end()
})

t.test('[ADV-134] nothing but the end of the document follows the form of a form_post page', (test) => {
  const html = renderPage(page, { ...context, nonce: 'n' })
  test.match(
    html.slice(html.indexOf('</form>')),
    /^<\/form>\s*<script nonce="n">[^<]*<\/script>\s*<\/main>\s*<\/body>\s*<\/html>\s*$/,
  )
  test.end()
})

t.test('[unit] a template that prints anything but text, a number or an exact value throws', (test) => {
  for (const value of [undefined, null, {}, [], true, Number.NaN, Number.POSITIVE_INFINITY, () => '', Symbol('x')]) {
    test.throws(() => escapeValue(value), TypeError)
  }
  test.equal(escapeValue(7), '7')
  test.equal(escapeValue('<&>"\''), '&lt;&amp;&gt;&quot;&#39;')
  test.equal(escapeValue(exact('\u202e<')), '\u202e&lt;')
  const property = fc.property(fc.string({ unit: 'binary' }), (text) => {
    const escaped = escapeValue(text)
    return !/[<>"']/.test(escaped) && decode(escaped) === legible(text)
  })
  test.doesNotThrow(() => fc.assert(property))
  test.end()
})

t.test('[unit] a name is one line, never invisible, cut between letters, and never piled with marks', (test) => {
  test.equal(displayName('  Ada \n\t Lovelace '), 'Ada Lovelace')
  for (const empty of ['', ' ', '\u200b\u200d', '\u2062', '\u00a0\n']) test.equal(displayName(empty), undefined)
  test.equal(displayName('👩‍💻'.repeat(90)), `${'👩‍💻'.repeat(79)}…`)
  test.equal(displayName('x'.repeat(80)), 'x'.repeat(80))
  test.ok((displayName(`Z${'\u0301'.repeat(5000)}`) ?? '').length < 10)
  test.equal(legible('a\u202eb\u0000c\r\nd\u2028e'), 'a\ufffdb\ufffdc\nd\ufffde')
  test.end()
})

t.test('[unit] initials come from letters and digits of any script', (test) => {
  test.same(['Ada Lovelace', 'ada', 'Ada King of Lovelace', 'Ірина Шевченко', '🙂', '', '𝒜da'].map(initials), [
    'AL',
    'A',
    'AL',
    'ІШ',
    '?',
    '?',
    '𝒜',
  ])
  test.end()
})

t.test('[unit] an address is a link only if browsers and people read it the same way', (test) => {
  test.equal(httpsLink('https://example.com/a b'), undefined)
  test.equal(httpsLink('https://пример.example/ü'), 'https://xn--e1afmkfd.example/%C3%BC')
  test.equal(httpsLink('HTTPS://Example.com'), 'https://example.com/')
  for (const bad of ['https:\\example.com', 'https://a\u0000.example', 'https://u:p@example.com', 'https://', 'x'])
    test.equal(httpsLink(bad), undefined)
  test.equal(ownPath('/a?b=c#d'), '/a?b=c#d')
  test.end()
})

t.test('[unit] a phrase keeps our words and their names apart', (test) => {
  const found = phrase`${'A'} asks ${''} of ${'<b>'}.`
  test.same(found, [{ name: 'A' }, ' asks ', { name: '' }, ' of ', { name: '<b>' }, '.'])
  test.equal(plain(found), 'A asks  of <b>.')
  test.end()
})

t.test('[unit] static files are named by their content, and the stylesheet is small and refers to nothing', (test) => {
  for (const asset of assets) {
    const digest = createHash('sha256').update(asset.body).digest('base64url').slice(0, 16)
    test.equal(asset.etag, `"${digest}"`)
    test.ok(asset.path.startsWith('/assets/') && asset.path.includes(digest))
  }
  const css = stylesheet.body.toString('utf8')
  test.ok(stylesheet.body.length < 12 * 1024, `${stylesheet.body.length} bytes`)
  test.notMatch(css, /@import|url\(|!important/)
  const html = renderPage({ kind: 'home', accounts: [] }, { ...context, basePath: '/sso' })
  test.ok(html.includes(`href="/sso${stylesheet.path}"`), 'the base path stands before it')
  test.end()
})

t.test('[unit] the brand is the configured one, and a hostile or empty one does no harm', (test) => {
  const title = (brand: string): string =>
    /<title>(.*)<\/title>/.exec(renderPage({ kind: 'home', accounts: [] }, { ...context, brand }))?.[1] ?? ''
  test.equal(title('Example ID'), 'Nobody is signed in · Example ID')
  test.equal(title(''), 'Nobody is signed in · Vouchsafe')
  test.equal(title('<b>'), 'Nobody is signed in · &lt;b&gt;')
  test.end()
})

t.test('[ADV-062] templates hold no words, and print nothing raw but other templates', (test) => {
  const files = readdirSync(VIEWS_FOLDER).filter((file) => file.endsWith('.eta'))
  test.ok(files.length > 20)
  for (const file of files) {
    const source = readFileSync(new URL(file, VIEWS_FOLDER), 'utf8')
    for (const [, code = ''] of source.matchAll(/<%~([\s\S]*?)%>/g)) {
      test.ok(
        /^ include\('@[a-z-]+'(?:, \{[^}]*\})?\) $/.test(code) || (file === 'document.eta' && code === ' it.body '),
        `${file}:${code}`,
      )
    }
    const bare = source
      .replace(/<%[\s\S]*?%>/g, '')
      .replace(/<script[\s\S]*?<\/script>/g, '')
      .replace(/<[^>]*>/g, '')
    test.equal(bare.replace(/\s/g, ''), '', file)
  }
  test.end()
})

t.test(
  '[unit] rendering is pure and quick: the same page twice is the same text, within a few milliseconds',
  (test) => {
    for (const sample of samples)
      test.equal(renderPage(sample.page, context), renderPage(sample.page, context), sample.name)
    const sample = samples.find(({ name }) => name === 'consent')
    if (sample === undefined) throw new Error('the consent sample is gone')
    const start = process.cpuUsage()
    for (let round = 0; round < 500; round++) renderPage(sample.page, context)
    const { user, system } = process.cpuUsage(start)
    test.ok(user + system < 2_500_000, `${(user + system) / 500} µs per page`)
    test.end()
  },
)
