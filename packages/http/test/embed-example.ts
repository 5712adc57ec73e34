// Owns the example of docs/guide/embedding.md, whole: what stands below these lines is what the page shows, and the test beside runs it.
// Never more than sixty lines.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createProvider, type PresentedInteraction, sessionId, subject } from '@vouchsafe/core'
import { createClient } from '@vouchsafe/core/admin'
import { staticKeys } from '@vouchsafe/core/keys'
import { createMemoryStores } from '@vouchsafe/core/memory'
import { createNodeSigner, generateSigningKey, nodePorts } from '@vouchsafe/core/ports-node'
import { createNodeDoor, escapeHtml } from '@vouchsafe/http/node'

const port = Number(process.env['PORT'] ?? 3000)
const people = new Map([['alice', { password: 'wonderland', claims: { name: 'Alice', email: 'alice@example.org' } }]])
const key = await generateSigningKey('RS256')
const keys = staticKeys([{ ...key, state: 'active' }])
const accounts = { find: (id: string) => people.get(id) }
const ports = { ...nodePorts, signer: createNodeSigner([key]), keys, accounts }
const stores = createMemoryStores()
const provider = createProvider({ issuer: `http://localhost:${port}`, stores, ports })
const door = createNodeDoor(provider)

const redirect_uris = ['http://localhost:4000/callback']
const metadata = { client_name: 'My app', redirect_uris, token_endpoint_auth_method: 'none', scope: 'openid email' }
const rules = { development: true, grantTypes: ['authorization_code'], scopes: 'any', unknownFields: 'refuse' } as const
const client = await createClient({ stores, ports }, { clientId: 'my-app', actor: 'me', metadata, policy: rules })
if (!client.ok) throw new Error(JSON.stringify(client.error))

const button = (act: string, text: string) => `<button name="act" value="${act}">${escapeHtml(text)}</button>`
const page = ({ prompt, client, csrf }: PresentedInteraction, remark = '') => {
  let body = `<label>Name <input name="username"></label><label>Password <input name="password" type="password"></label>${button('login', 'Sign in')}`
  if (prompt.kind === 'selectAccount')
    body = [...prompt.accounts, { sid: 'other', subject: 'Other' }].map((one) => button(one.sid, one.subject)).join('')
  if (prompt.kind === 'consent')
    body = `<pre>${escapeHtml(JSON.stringify(prompt.values))}</pre>${button('deny', 'Deny')}${button('allow', 'Allow')}`
  body += `<input type="hidden" name="csrf" value="${csrf}">`
  const head = `<!doctype html><title>Sign in</title><h1>${escapeHtml(client.name)}</h1>${remark}`
  return { html: `${head}<form method="post">${body}</form>` }
}

const answer = async (request: IncomingMessage, response: ServerResponse) => {
  if (await door.serve(request, response)) return
  const id = /^\/interaction\/([\w-]+)$/.exec(request.url ?? '')?.[1]
  if (id === undefined) return response.writeHead(404).end()
  const wire = await door.readRequest(request)
  if (!wire.ok) return door.send(wire.error, response)
  if (request.method !== 'POST') return door.show(await provider.interactions.resume(wire.value, id), page, response)
  const form = new URLSearchParams(wire.value.body)
  const act = form.get('act') ?? ''
  const submission = { id, csrf: form.get('csrf') ?? '' }
  const checked = await provider.interactions.check(wire.value, submission)
  if (!checked.ok) return door.send(checked.error, response)
  if (act === 'allow') return door.send(await provider.interactions.consented(wire.value, submission), response)
  if (act === 'deny') return door.send(await provider.interactions.denied(wire.value, submission), response)
  const sid = act === 'other' ? act : sessionId(act)
  if (act !== 'login')
    return door.send(await provider.interactions.accountSelected(wire.value, { ...submission, sid }), response)
  const username = form.get('username') ?? ''
  if (people.get(username)?.password !== form.get('password'))
    return door.sendPage({ status: 401, ...page(checked.value, 'Wrong name or password.') }, response)
  const facts = { subject: subject(username), amr: ['pwd'], acr: undefined }
  door.send(await provider.interactions.authenticated(wire.value, { ...submission, facts }), response)
}
createServer((request, response) => void answer(request, response)).listen(port, 'localhost')
