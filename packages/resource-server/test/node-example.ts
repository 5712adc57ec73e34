// Owns the first example of docs/guide/protecting-an-api.md, whole: what stands below these lines is what the page shows, and a test runs it.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createResourceServer, forbid, fromNodeRequest } from '@vouchsafe/resource-server'

const port = Number(process.env['PORT'] ?? 4100)
const api = createResourceServer({
  issuer: process.env['ISSUER'] ?? 'https://id.example.org',
  resource: `http://localhost:${port}/notes`,
  tokens: { format: 'jwt' },
  description: { name: 'Notes', scopes: ['notes:read', 'notes:write'] },
})
const notes = new Map([['/notes/1', { owner: 'alice', text: 'Buy milk' }]])

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const answer = async (request: IncomingMessage): Promise<Answer> => {
  if (request.url === api.metadata.path) return api.metadata.response
  const allowed = await api.authorize(fromNodeRequest(request), { scope: 'notes:read' })
  if (!allowed.ok) return allowed
  const note = notes.get(request.url ?? '')
  if (note?.owner !== allowed.token.subject) return forbid({ detail: 'this is not your note' })
  const headers = { ...allowed.headers, 'Content-Type': 'application/json' }
  return { status: 200, headers, body: JSON.stringify(note) }
}

const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { status, headers, body } = await answer(request)
  response.writeHead(status, headers).end(body)
}
createServer((request, response) => void serve(request, response)).listen(port, 'localhost')
