// What a person must be able to see before saying yes, and that saying no is as easy.

import t from 'tap'
import { type ConsentPage, renderPage, type ScopeDisplay } from '#src/views/render.js'
import { type Markup, read, tagsNamed, words } from './markup.ts'
import { ada, context, form, grafana } from './samples.ts'

const scope = (name: string, rest: Partial<ScopeDisplay> = {}): ScopeDisplay => ({
  scope: name,
  claims: [],
  sensitive: false,
  alreadyAllowed: false,
  ...rest,
})

const consent = (rest: Partial<ConsentPage>): Markup =>
  read(
    renderPage(
      { kind: 'consent', client: grafana, account: ada, scopes: [scope('openid')], offline: false, form, ...rest },
      context,
    ),
  )

t.test('[R6819-04] the consent page names client, account, destination host and the scopes in plain words', (test) => {
  const custom = scope('reports:read', { label: 'Read your reports', description: 'All of them.' })
  const text = words(consent({ scopes: [scope('openid'), scope('email'), custom] }))
  for (const part of [
    'Grafana',
    'grafana.example.com',
    'Ada Lovelace',
    'ada',
    'Know who you are',
    'Your email address',
  ]) {
    test.ok(text.includes(part), part)
  }
  test.match(text, /Read your reports All of them\./)
  test.end()
})

t.test('[unit] the values that would be shared are all on the page, the folded ones too', (test) => {
  const items = Array.from({ length: 300 }, (_, index) => `group-${index}-end`)
  const markup = consent({
    scopes: [
      scope('profile', {
        claims: [
          { claim: 'name', value: { kind: 'text', text: 'Ada & Co' } },
          { claim: 'updated_at', value: { kind: 'instant', seconds: 0 } },
          { claim: 'nickname', value: { kind: 'text', text: '' } },
        ],
      }),
      scope('email', { claims: [{ claim: 'email_verified', value: { kind: 'flag', value: false } }] }),
      scope('address', {
        claims: [{ claim: 'address', value: { kind: 'lines', lines: ['Line one', '', 'Line two'] } }],
      }),
      scope('groups', { claims: [{ claim: 'groups', value: { kind: 'list', items } }] }),
    ],
  })
  const text = words(markup)
  for (const part of [
    'Name Ada & Co',
    'Last changed January 1, 1970',
    'Nickname None',
    'Email confirmed No',
    'Line one Line two',
    'Show 295 more',
    ...items,
  ]) {
    test.ok(text.includes(part), part)
  }
  test.equal(tagsNamed(markup, 'details').length, 1)
  test.end()
})

t.test('[unit] eight groups are shown whole, nine are folded, none says so', (test) => {
  const folds = (count: number): number => {
    const items = Array.from({ length: count }, (_, index) => `g${index}`)
    return tagsNamed(
      consent({ scopes: [scope('groups', { claims: [{ claim: 'groups', value: { kind: 'list', items } }] })] }),
      'details',
    ).length
  }
  test.same([folds(8), folds(9)], [0, 1])
  test.match(
    words(
      consent({ scopes: [scope('groups', { claims: [{ claim: 'groups', value: { kind: 'list', items: [] } }] })] }),
    ),
    /Groups None/,
  )
  test.end()
})

t.test('[unit] Deny and Allow are buttons of one form, one class and one size', (test) => {
  const markup = consent({})
  const [deny, allow, ...more] = tagsNamed(markup, 'button').filter(
    (button) => button.attributes.get('class') === 'button',
  )
  test.same(more, [])
  test.equal(deny?.attributes.get('value'), 'deny')
  test.equal(allow?.attributes.get('value'), 'allow')
  for (const button of [deny, allow]) {
    test.same([...(button?.attributes.keys() ?? [])], ['class', 'type', 'name', 'value'])
    test.equal(button?.attributes.get('name'), 'action')
  }
  test.equal(tagsNamed(markup, 'form').length, 1)
  test.notOk(
    markup.tags.find((tag) => tag.attributes.has('autofocus')),
    'neither is chosen beforehand',
  )
  test.end()
})

t.test('[unit] what was allowed before is told apart from what is new', (test) => {
  const earlier = scope('profile', { alreadyAllowed: true })
  const some = words(consent({ scopes: [scope('openid'), earlier] }))
  test.match(some, /What is asked for now.*Know who you are.*Allowed before.*Your profile/)
  const all = words(consent({ scopes: [earlier] }))
  test.match(all, /You allowed all of this before.*What will be shared.*Your profile/)
  test.notMatch(all, /Allowed before/)
  test.match(words(consent({ scopes: [earlier], offline: true })), /asked for now.*while you are away.*Allowed before/)
  test.end()
})

t.test('[unit] no configuration relabels a standard scope or claim, and odd names are only names', (test) => {
  const claims = [{ claim: 'email', label: 'Shoe size', value: { kind: 'text', text: 'x' } } as const]
  const text = words(
    consent({ scopes: [scope('openid', { label: 'Nothing', description: 'Nothing at all', claims })] }),
  )
  test.notMatch(text, /Nothing|Shoe size/)
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    const odd = words(
      consent({ scopes: [scope(name, { claims: [{ claim: name, value: { kind: 'text', text: 'x' } }] })] }),
    )
    test.ok(odd.includes(`Permission “${name}”`), name)
    test.ok(odd.includes(`${name} x`), name)
  }
  test.end()
})

t.test('[unit] a sensitive permission is marked in words, not in colour alone', (test) => {
  test.match(words(consent({ scopes: [scope('pay', { label: 'Pay', sensitive: true })] })), /Pay Sensitive/)
  test.notMatch(words(consent({})), /Sensitive/)
  test.end()
})
