// Owns a person at a browser without scripts: follows redirects with a cookie jar, fills in the forms that pages show, and stops when
// he is sent away from the server and from the relying parties he knows. Asserts nothing.

import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'

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

/** A browser: cookies by host name, whatever the port, as browsers keep them. */
export interface Visitor {
  /** The cookies of the server. */
  readonly cookies: ReadonlyMap<string, string>
  /** One request; redirects are not followed. */
  request(url: string, form?: Form, from?: string): Promise<Response>
  /** Follows redirects within the server and the relying parties. */
  open(url: string, form?: Form): Promise<Arrival>
  /** Goes through every page until sent away or stuck. */
  signIn(url: string, behaviour: Behaviour): Promise<Arrival>
}

/** Fields to post. */
export type Form = Iterable<readonly [string, string]>

interface Cookie {
  readonly value: string
  readonly path: string
  /** Whether a form of another site takes it along: SameSite=None, or no word of it and new, as a visit's cookies are. */
  readonly crossSite: boolean
}

type Jar = Map<string, Map<string, Cookie>>

const keep = (jar: Jar, { hostname }: URL, lines: readonly string[]): void => {
  const own = jar.get(hostname) ?? new Map<string, Cookie>()
  jar.set(hostname, own)
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^=;]*)=([^;]*)/.exec(line) ?? []
    const attributeOf = (attribute: string): string | undefined =>
      new RegExp(`;\\s*${attribute}=([^;]*)`, 'i').exec(line)?.[1]?.trim()
    const expires = attributeOf('expires')
    const age = attributeOf('max-age')
    const over = age === undefined ? expires !== undefined && Date.parse(expires) <= Date.now() : Number(age) <= 0
    if (over) own.delete(name)
    else
      own.set(name, {
        value,
        path: attributeOf('path') ?? '/',
        crossSite: !/^(lax|strict)$/i.test(attributeOf('samesite') ?? ''),
      })
  }
}

const isBelow = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)

const cookiesFor = (jar: Jar, { hostname, pathname }: URL, crossSitePost: boolean): string =>
  [...(jar.get(hostname) ?? [])]
    .filter(([, { path, crossSite }]) => isBelow(pathname, path) && (crossSite || !crossSitePost))
    .map(([name, { value }]) => `${name}=${value}`)
    .join('; ')

/** What a browser says of a navigation: relying parties answer scripts and programs otherwise. (fetch cannot say it.) */
const navigation = (crossSite: boolean | undefined): Readonly<Record<string, string>> => ({
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'accept-language': 'en-GB,en;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': crossSite === undefined ? 'none' : crossSite ? 'cross-site' : 'same-origin',
})

const readAnswer = async (answer: IncomingMessage): Promise<Response> => {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(Buffer.from(chunk))
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(answer.headersDistinct)) {
    for (const value of values) headers.append(name, value)
  }
  const body = Buffer.concat(chunks)
  return new Response(body.length === 0 ? null : body, { status: answer.statusCode ?? 500, headers })
}

const send = async (jar: Jar, url: URL, form: Form | undefined, from: string | undefined): Promise<Response> => {
  const isPost = form !== undefined
  const crossSite = from === undefined ? undefined : new URL(from).hostname !== url.hostname
  const fields = [...(form ?? [])].map(([name, value]): [string, string] => [name, value])
  const cookie = cookiesFor(jar, url, isPost && crossSite === true)
  const request = (url.protocol === 'https:' ? https : http).request(url, {
    method: isPost ? 'POST' : 'GET',
    agent: false,
    // An authority that a test makes this process believe, which an agent of its own would not hear of.
    ca: https.globalAgent.options.ca,
    headers: {
      ...navigation(isPost ? (crossSite ?? false) : crossSite),
      ...(cookie === '' ? {} : { cookie }),
      ...(isPost
        ? { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(from ?? url.href).origin }
        : {}),
    },
  })
  request.end(isPost ? new URLSearchParams(fields).toString() : undefined)
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
  })
  const response = await readAnswer(answer)
  keep(jar, url, response.headers.getSetCookie())
  return response
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

/** A visitor of the server at an issuer's address, and of the relying parties at these origins: everywhere else he is sent away to. */
export const createVisitor = (issuer: string, relyingParties: readonly string[] = []): Visitor => {
  const server = new URL(issuer)
  const jar: Jar = new Map()
  const isServer = (url: string): boolean => new URL(url).origin === server.origin
  const isWithin = (url: string): boolean => isServer(url) || relyingParties.includes(new URL(url).origin)
  const request: Visitor['request'] = (url, form, from) => send(jar, new URL(url), form, from)
  const follow = async (url: string, form?: Form, from?: string): Promise<Arrival> => {
    let at = url
    let response = await request(at, form, from)
    for (let hops = 0; hops < 10; hops++) {
      const location = response.headers.get('location')
      if (location === null || response.status < 300 || response.status > 399) {
        return { url: at, status: response.status, body: await response.text(), posted: undefined }
      }
      await response.arrayBuffer()
      at = new URL(location, at).href
      if (!isWithin(at)) return { url: at, status: response.status, body: '', posted: undefined }
      response = await request(at)
    }
    throw new Error('too many redirects')
  }
  const signIn: Visitor['signIn'] = async (url, behaviour) => {
    let arrival = await follow(url)
    for (let pages = 0; pages < 5 && isWithin(arrival.url) && arrival.body.includes('<form'); pages++) {
      const { action, fields } = formOf(arrival.body)
      const target = new URL(action, arrival.url).href
      // A form that leads from the one to the other is one that posts itself.
      if (isServer(target) !== isServer(arrival.url)) {
        if (!isWithin(target)) return { ...arrival, url: target, posted: fields }
        arrival = await follow(target, fields, arrival.url)
        continue
      }
      if (!isServer(arrival.url)) return arrival
      const form = fill(arrival, behaviour)
      if (form === undefined) return arrival
      const next = await follow(target, form.fields, arrival.url)
      if (next.status >= 400) return next
      arrival = next
    }
    return arrival
  }
  return {
    get cookies() {
      return new Map([...(jar.get(server.hostname) ?? [])].map(([name, { value }]) => [name, value]))
    },
    request,
    open: (url, form) => follow(url, form),
    signIn,
  }
}
