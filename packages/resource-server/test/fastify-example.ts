// Owns the Fastify example of docs/guide/protecting-an-api.md, whole: what stands below these lines is what the page shows, and a test runs it.

import { createResourceServer, fromNodeRequest, type Requirement, type VerifiedToken } from '@vouchsafe/resource-server'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'

const port = Number(process.env['PORT'] ?? 4100)
const api = createResourceServer({
  issuer: process.env['ISSUER'] ?? 'https://id.example.org',
  resource: `http://localhost:${port}/notes`,
  tokens: { format: 'jwt' },
})
const tokens = new WeakMap<FastifyRequest, VerifiedToken>()

const guard = (requirement: Requirement) => async (request: FastifyRequest, reply: FastifyReply) => {
  const allowed = await api.authorize(fromNodeRequest(request.raw), requirement)
  if (!allowed.ok) return reply.code(allowed.status).headers(allowed.headers).send(allowed.body)
  reply.headers(allowed.headers)
  tokens.set(request, allowed.token)
  return undefined
}

const app = Fastify()
app.get(api.metadata.path, (_, reply) => reply.headers(api.metadata.response.headers).send(api.metadata.response.body))
app.get('/notes/:id', { preHandler: guard({ scope: 'notes:read' }) }, (request) => ({
  owner: tokens.get(request)?.subject,
}))
await app.listen({ port, host: 'localhost' })
