// Owns hostile values and the way to put one into every free text of a page. Never touches what the server itself makes.

import type { PageModel } from '#src/views/render.js'

/** Values that have broken out of pages elsewhere, and some that merely might. */
export const hostileTexts: readonly string[] = [
  '<script>alert(1)</script>',
  '</title><script>document.title="owned"</script>',
  '"><img src=x onerror=alert(1)>',
  "' autofocus onfocus=alert(1) x='",
  '" onmouseover="alert(1)',
  '<%= process.env %><%~ it.m %>',
  '{{constructor.constructor("alert(1)")()}}',
  `\${alert(1)}\``,
  '</main></body></html><form action=https://evil.example>',
  '<!-- <![CDATA[ ]]> -->',
  '&lt;b&gt; &amp;amp; &#x3c;script&#x3e;',
  '<svg/onload=alert(1)>',
  'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'x\u0000<b>\u001b[31m\u202egnp.exe\u2066\u2028\u2029',
  '\ud800 lone \udc00',
  '__proto__',
  'constructor',
]

// These are unions or paths of ours: no client, operator or person can set them.
const OURS: ReadonlySet<string> = new Set([
  'kind',
  'problem',
  'problems',
  'reason',
  'standing',
  'chooseAccountUrl',
  'stayUrl',
  'homeUrl',
  'signInUrl',
  'othersUrl',
  'signOutUrl',
])

const replace = (value: unknown, key: string, text: string): unknown => {
  if (OURS.has(key)) return value
  if (typeof value === 'string') return key === 'action' ? value : text
  if (Array.isArray(value)) return value.map((item) => replace(item, '', text))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, replace(item, name, text)]))
  }
  return value
}

/** The page with every free text replaced by one text. */
export const withText = (page: PageModel, text: string): PageModel => replace(page, '', text) as PageModel
