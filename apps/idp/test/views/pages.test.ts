// What every page must be, whatever is in it: inert, well formed, readable without scripts, and complete.

import fc from 'fast-check'
import t, { type Test } from 'tap'
import { type ErrorPage, type PageModel, renderPage } from '#src/views/render.js'
import { hostileTexts, withText } from './hostile.ts'
import { type Markup, read, type Tag, tagsNamed, words } from './markup.ts'
import { ada, cli, context, form, grafana, samples } from './samples.ts'

const shown = (page: PageModel): Markup => read(renderPage(page, context))

const eachSample = (test: Test, check: (markup: Markup, name: string, page: PageModel) => void): void => {
  for (const { name, page } of samples) check(shown(page), name, page)
  test.ok(samples.length > 40, 'the samples are all there')
}

const attribute = (tag: Tag | undefined, name: string): string => tag?.attributes.get(name) ?? ''

t.test('[ADV-023, ADV-144, WEB-050] a hostile text anywhere leaves the structure of every page as it is', (test) => {
  for (const { name, page } of samples) {
    const expected = shown(withText(page, 'a')).outline
    const broken = hostileTexts.filter((text) => shown(withText(page, text)).outline.join('\n') !== expected.join('\n'))
    test.same(broken, [], name)
  }
  test.end()
})

t.test('[ADV-023, WEB-050] any text at all leaves the structure of every page as it is', (test) => {
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'<>"\'&%=/ -`$={}\n\u202ea') }),
  )
  // A letter in front keeps the text visible: names without any visible letter are replaced by words of ours.
  const property = fc.property(fc.constantFrom(...samples), anything, (sample, text) => {
    const [expected, found] = ['a', `a${text}`].map((value) => shown(withText(sample.page, value)).outline)
    return JSON.stringify(expected) === JSON.stringify(found)
  })
  test.doesNotThrow(() => fc.assert(property, { numRuns: 400 }))
  test.end()
})

t.test('[ADV-023] direction overrides and control characters of a name reach no page', (test) => {
  for (const { name, page } of samples) {
    if (page.kind === 'formPost') continue
    const html = renderPage(withText(page, 'a\u202eb\u0007\u2067c'), context)
    const visible = read(html).texts.join('')
    for (const mark of ['\u0007', '\u202e', '\u2067']) test.notOk(visible.includes(mark), name)
  }
  test.end()
})

t.test('[WEB-035] no page has a style, an event handler or a script inside it', (test) => {
  eachSample(test, (markup, name) => {
    const names = markup.tags.flatMap((tag) => [...tag.attributes.keys()])
    test.notOk(
      names.find((key) => key === 'style' || key.startsWith('on')),
      name,
    )
    test.notOk(
      markup.tags.find((tag) => ['script', 'style', 'iframe', 'object', 'embed', 'base'].includes(tag.name)),
      name,
    )
  })
  test.end()
})

t.test(
  '[WEB-052] links to other sites are https and carry the three words of rel; hostile addresses are no links',
  (test) => {
    eachSample(test, (markup, name) => {
      for (const link of tagsNamed(markup, 'a')) {
        const href = attribute(link, 'href')
        if (href.startsWith('/') || href.startsWith('#')) continue
        test.match(href, /^https:\/\//, name)
        test.equal(attribute(link, 'rel'), 'noopener noreferrer nofollow', name)
        test.notOk(link.attributes.has('target'), name)
      }
    })
    for (const url of [
      'javascript:alert(1)',
      'JAVASCRIPT:alert(1)',
      ' https://a.example',
      'java\nscript:alert(1)',
      'http://a.example/',
      'data:text/html,x',
      '//a.example',
      'https:\\\\a.example',
      'https://good.example@evil.example/',
      'vbscript:x',
      '',
    ]) {
      const client = { ...grafana, policyUrl: url, termsUrl: url, logo: { url, mayShow: true } }
      const markup = shown({ kind: 'signIn', client, username: '', form })
      test.same(tagsNamed(markup, 'a'), [], url)
      test.same(tagsNamed(markup, 'img'), [], url)
    }
    test.end()
  },
)

t.test('[WEB-033] an error page links back to the client only at an https address', (test) => {
  const links = (url: string): readonly string[] => {
    const page: ErrorPage = { kind: 'error', problem: 'expired', reference: 'R', back: { clientName: 'A', url } }
    return tagsNamed(shown(page), 'a').map((link) => attribute(link, 'href'))
  }
  test.same(links('https://app.example/start?x=1&y=2'), ['https://app.example/start?x=1&y=2'])
  for (const url of ['http://app.example/', 'com.example.app:/callback', 'javascript:alert(1)', '/start'])
    test.same(links(url), [], url)
  test.notOk(
    tagsNamed(shown({ kind: 'error', problem: 'expired', reference: 'R' }), 'meta').find((tag) =>
      tag.attributes.has('http-equiv'),
    ),
  )
  test.end()
})

t.test(
  '[WEB-049, ADV-148] a logo is shown only for a client that may show one, and tells its host nothing of the page',
  (test) => {
    const images = (mayShow: boolean): readonly Tag[] =>
      tagsNamed(
        shown({
          kind: 'signIn',
          client: { ...grafana, logo: { url: 'https://a.example/l.png', mayShow } },
          username: '',
          form,
        }),
        'img',
      )
    test.same(images(false), [])
    const [image, ...more] = images(true)
    test.same(more, [])
    test.equal(attribute(image, 'src'), 'https://a.example/l.png')
    test.equal(attribute(image, 'referrerpolicy'), 'no-referrer')
    test.ok(image?.attributes.has('alt'))
    test.equal(attribute(image, 'alt'), '', 'the name stands beside it')
    test.end()
  },
)

t.test(
  '[CONF-D-oidcc-registration-logo-uri, CONF-D-oidcc-registration-policy-uri, CONF-D-oidcc-registration-tos-uri] sign-in and consent show the logo of the client and link its policy and its terms',
  (test) => {
    const signIn: PageModel = { kind: 'signIn', client: grafana, username: '', form }
    const consent = samples.find(({ page }) => page.kind === 'consent' && page.client === grafana)?.page
    if (consent === undefined) throw new Error('there is no such sample')
    for (const page of [signIn, consent]) {
      const markup = shown(page)
      const logos = tagsNamed(markup, 'img').map((tag) => attribute(tag, 'src'))
      const links = tagsNamed(markup, 'a').map((tag) => attribute(tag, 'href'))
      test.ok(logos.includes('https://grafana.example.com/logo.png'))
      test.ok(links.includes('https://grafana.example.com/privacy'))
      test.ok(links.includes('https://grafana.example.com/terms'))
    }
    test.end()
  },
)

t.test('[unit] every page has one h1, one main, a title, a language, and prints no absent value', (test) => {
  eachSample(test, (markup, name) => {
    test.equal(tagsNamed(markup, 'h1').length, 1, `${name}: h1`)
    test.equal(tagsNamed(markup, 'main').length, 1, `${name}: main`)
    test.equal(tagsNamed(markup, 'title').length, 1, `${name}: title`)
    test.equal(attribute(tagsNamed(markup, 'html')[0], 'lang'), 'en', `${name}: lang`)
    const everything = [...markup.texts, ...markup.tags.flatMap((tag) => [...tag.attributes.values()])].join('\n')
    test.notMatch(everything, /undefined|null|NaN|\[object|=>/, `${name}: absent values`)
  })
  test.end()
})

t.test(
  '[unit] ids are unique, each field has its label, each description exists, at most one field takes the focus',
  (test) => {
    eachSample(test, (markup, name) => {
      const ids = markup.tags.flatMap((tag) => tag.attributes.get('id') ?? [])
      test.equal(new Set(ids).size, ids.length, `${name}: ids`)
      const labelled = new Set(tagsNamed(markup, 'label').map((label) => attribute(label, 'for')))
      for (const input of tagsNamed(markup, 'input')) {
        if (attribute(input, 'type') === 'hidden') continue
        test.ok(labelled.has(attribute(input, 'id')), `${name}: label of ${attribute(input, 'name')}`)
        for (const id of attribute(input, 'aria-describedby').split(' '))
          test.ok(id === '' || ids.includes(id), `${name}: #${id}`)
      }
      for (const link of tagsNamed(markup, 'a')) {
        const href = attribute(link, 'href')
        if (href.startsWith('#')) test.ok(ids.includes(href.slice(1)), `${name}: ${href}`)
      }
      test.ok(markup.tags.filter((tag) => tag.attributes.has('autofocus')).length <= 1, `${name}: autofocus`)
    })
    test.end()
  },
)

t.test(
  '[unit] every form of ours posts to this server with its token, and every button of it has a name and a value',
  (test) => {
    eachSample(test, (markup, name, page) => {
      if (page.kind === 'formPost') return
      for (const tag of tagsNamed(markup, 'form')) {
        test.match(attribute(tag, 'action'), /^\/[^/]/, name)
        test.equal(attribute(tag, 'method'), 'post', name)
      }
      const tokens = tagsNamed(markup, 'input').filter((input) => attribute(input, 'name') === 'csrf')
      test.equal(tokens.length, tagsNamed(markup, 'form').length, name)
      for (const button of tagsNamed(markup, 'button')) {
        test.equal(attribute(button, 'type'), 'submit', name)
        test.match(attribute(button, 'name'), /^(?:action|account)$/, name)
        test.not(attribute(button, 'value'), '', name)
      }
    })
    test.end()
  },
)

t.test('[unit] a form that would leave this server is refused, not rendered', (test) => {
  for (const action of [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    'javascript:alert(1)',
    '',
    'relative',
    '/a\tb',
  ]) {
    test.throws(() => shown({ kind: 'signIn', username: '', form: { ...form, action } }), TypeError, action)
    test.throws(() => shown({ kind: 'signOut', accounts: [ada], form, stayUrl: action }), TypeError, action)
  }
  for (const action of [
    'javascript:alert(1)',
    'data:text/html,x',
    '/relative',
    'com.example.app:/x',
    'https://a@b.example/',
  ]) {
    test.throws(() => shown({ kind: 'formPost', action, fields: [] }), TypeError, action)
  }
  test.end()
})

t.test('[unit] inputs keep their names and what a password manager needs to know', (test) => {
  const inputs = (page: PageModel): readonly string[] =>
    tagsNamed(shown(page), 'input')
      .filter((input) => attribute(input, 'type') !== 'hidden')
      .map((input) => `${attribute(input, 'name')}: ${attribute(input, 'autocomplete')}`)
  const signIn = ['username: username', 'password: current-password']
  test.same(inputs({ kind: 'signIn', username: '', form }), signIn)
  test.same(inputs({ kind: 'signIn', username: '', knownAccount: ada, form }), signIn)
  const values = { username: '', displayName: '', email: '' }
  test.same(inputs({ kind: 'setUp', values, problems: {}, passwordMinLength: 12, form }), [
    'username: username',
    'displayName: name',
    'email: email',
    'password: new-password',
    'passwordRepeat: new-password',
  ])
  test.end()
})

t.test('[unit] a failed sign-in is announced, tied to its fields, and keeps the name but never a password', (test) => {
  const markup = shown({ kind: 'signIn', username: 'ada', problem: { kind: 'invalidCredentials' }, form })
  test.ok(markup.tags.find((tag) => attribute(tag, 'role') === 'alert' && attribute(tag, 'id') === 'problem'))
  const inputs = tagsNamed(markup, 'input').filter((input) => attribute(input, 'aria-describedby') === 'problem')
  test.same(
    inputs.map((input) => attribute(input, 'name')),
    ['username', 'password'],
  )
  test.same(
    inputs.map((input) => input.attributes.get('value')),
    ['ada', undefined],
  )
  test.match(words(markup), /^\s*Error: Sign in/)
  test.match(
    words(shown({ kind: 'signIn', username: '', problem: { kind: 'throttled', waitSeconds: 61.2 }, form })),
    /Wait 62 seconds/,
  )
  test.match(
    words(shown({ kind: 'signIn', username: '', problem: { kind: 'throttled', waitSeconds: 300 }, form })),
    /Wait 5 minutes/,
  )
  test.end()
})

t.test('[unit] every error page says what happened, what to do, who can mend it, and its reference', (test) => {
  for (const { name, page } of samples) {
    if (page.kind !== 'error') continue
    const text = words(shown(page))
    for (const part of ['What to do', 'Who can fix it', 'Reference', page.reference])
      test.ok(text.includes(part), `${name}: ${part}`)
  }
  test.end()
})

t.test(
  '[unit] an app on this device is warned about wherever it is shown, and so is one that nobody checked',
  (test) => {
    const scheme = { ...cli, destination: { kind: 'customScheme', scheme: 'com.example.app:' } } as const
    const text = (client: typeof grafana): string => words(shown({ kind: 'signIn', client, username: '', form }))
    test.match(text(cli), /Did you start this yourself\?.*127\.0\.0\.1:49201/)
    test.match(text(scheme), /Did you start this yourself\?.*com\.example\.app:/)
    test.match(text({ ...grafana, standing: 'unverified' }), /Nobody has checked this app.*grafana\.example\.com/)
    test.notMatch(text(grafana), /Did you start|Nobody has checked/)
    test.end()
  },
)
