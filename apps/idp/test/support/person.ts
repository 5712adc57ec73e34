// Owns a person at a browser without scripts: follows redirects with a cookie jar, fills in the forms that pages show, and stops when
// it is sent away from the server. Asserts nothing.

/** Where the person ended up. */
export interface Arrival {
  /** Address outside the server that it was sent to, or the last page on it. */
  readonly url: string
  readonly status: number
  readonly body: string
  /** Fields of a form that posts itself to another server (response_mode=form_post). */
  readonly posted: ReadonlyMap<string, string> | undefined
}

/** What the person does when asked. */
export interface Behaviour {
  readonly username: string
  readonly password: string
  /** On the consent page. */
  readonly consent?: 'allow' | 'deny'
}

/** A form as the page shows it. */
export interface ShownForm {
  readonly action: string
  readonly fields: Map<string, string>
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }

const decode = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name] ?? '')

const attribute = (tag: string, name: string): string | undefined => {
  const found = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]
  return found === undefined ? undefined : decode(found)
}

/** The first form of a page, with its hidden inputs. */
export const formOf = (html: string): ShownForm => {
  const open = /<form\b[^>]*>/.exec(html)
  if (open === null) throw new Error(`there is no form on the page: ${html.slice(0, 2000)}`)
  const fields = new Map<string, string>()
  for (const [input] of html
    .slice(open.index)
    .split('</form>', 1)[0]
    ?.matchAll(/<input\b[^>]*>/g) ?? []) {
    const name = attribute(input, 'name')
    if (name !== undefined) fields.set(name, attribute(input, 'value') ?? '')
  }
  return { action: attribute(open[0], 'action') ?? '', fields }
}

/** A browser: one cookie jar for one server. */
export interface Visitor {
  readonly cookies: Map<string, string>
  /** One request; redirects are not followed. */
  request(url: string, form?: Iterable<readonly [string, string]>): Promise<Response>
  /** Follows redirects within the server. */
  open(url: string, form?: Iterable<readonly [string, string]>): Promise<Arrival>
  /** Goes through every page until sent away or stuck. */
  signIn(url: string, behaviour: Behaviour): Promise<Arrival>
}

/** A visitor of the server at `origin`. */
export const createVisitor = (origin: string): Visitor => {
  const cookies = new Map<string, string>()
  const request: Visitor['request'] = async (url, form) => {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: {
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(form === undefined ? {} : { 'sec-fetch-site': 'same-origin' }),
      },
      ...(form === undefined
        ? {}
        : { method: 'POST', body: new URLSearchParams([...form].map(([n, v]): [string, string] => [n, v])) }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';', 1)[0]?.split('=') ?? []
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }
  const open: Visitor['open'] = async (url, form) => {
    let at = url
    let response = await request(at, form)
    for (let hops = 0; hops < 10; hops++) {
      const location = response.headers.get('location')
      if (location === null || response.status < 300 || response.status > 399) {
        return { url: at, status: response.status, body: await response.text(), posted: undefined }
      }
      await response.arrayBuffer()
      at = new URL(location, at).href
      if (!at.startsWith(`${origin}/`)) return { url: at, status: response.status, body: '', posted: undefined }
      response = await request(at)
    }
    throw new Error('too many redirects')
  }
  const fill = (arrival: Arrival, behaviour: Behaviour): ShownForm | undefined => {
    const form = formOf(arrival.body)
    if (form.fields.has('password')) {
      form.fields.set('username', behaviour.username).set('password', behaviour.password).set('action', 'sign-in')
      return form
    }
    if (!arrival.body.includes('value="allow"')) return undefined
    form.fields.set('action', behaviour.consent ?? 'allow')
    return form
  }
  const signIn: Visitor['signIn'] = async (url, behaviour) => {
    let arrival = await open(url)
    for (let pages = 0; pages < 5 && arrival.body.includes('<form'); pages++) {
      const away = formOf(arrival.body)
      if (/^https?:/.test(away.action) && !away.action.startsWith(`${origin}/`)) {
        return { ...arrival, url: away.action, posted: away.fields }
      }
      const form = fill(arrival, behaviour)
      if (form === undefined) return arrival
      const next = await open(new URL(form.action, arrival.url).href, form.fields)
      if (next.status >= 400) return next
      arrival = next
    }
    return arrival
  }
  return { cookies, request, open, signIn }
}
