// Owns the three pages of the demonstration, as plain text templates with everything foreign escaped.

/** What is shown. */
export type DemoPage =
  | { readonly kind: 'signedOut'; readonly issuer: string }
  | { readonly kind: 'signedIn'; readonly issuer: string; readonly idToken: object; readonly userinfo: object }
  | { readonly kind: 'failed'; readonly message: string }

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter)

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  body { max-width: 44rem; margin: 3rem auto; padding: 0 1rem }
  a.button, button { display: inline-block; padding: .6rem 1.2rem; border: 1px solid; border-radius: .5rem; background: none;
    color: inherit; font: inherit; text-decoration: none; cursor: pointer }
  table { border-collapse: collapse; table-layout: fixed; width: 100%; margin: 1rem 0 2rem }
  th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent) }
  th { width: 40% }
  th, td { overflow-wrap: anywhere }
`

const table = (caption: string, claims: object): string => {
  const rows = Object.entries(claims).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(text)}</td></tr>`
  })
  return `<h2>${escapeHtml(caption)}</h2><table>${rows.join('')}</table>`
}

const body = (shown: DemoPage): string => {
  switch (shown.kind) {
    case 'signedOut':
      return `<h1>Demo app</h1><p>You are not signed in here.</p>
        <p><a class="button" href="/login">Sign in with ${escapeHtml(shown.issuer)}</a></p>
        <p>Or try <a href="/login?prompt=login">prompt=login</a>, <a href="/login?prompt=consent">prompt=consent</a>,
        <a href="/login?prompt=select_account">prompt=select_account</a>, <a href="/login?prompt=none">prompt=none</a>,
        <a href="/login?response_mode=form_post">response_mode=form_post</a>.</p>`
    case 'signedIn':
      return `<h1>You are signed in</h1>
        <form method="post" action="/logout"><button>Sign out</button></form>
        ${table('From userinfo', shown.userinfo)}${table('From the ID token', shown.idToken)}`
    case 'failed':
      return `<h1>The sign-in did not succeed</h1><p id="reason">${escapeHtml(shown.message)}</p>
        <p><a class="button" href="/">Back to the start</a></p>`
  }
}

/** A whole HTML page. */
export const page = (shown: DemoPage): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
  `<title>Demo app</title><style>${STYLE}</style></head><body><main>${body(shown)}</main></body></html>`
