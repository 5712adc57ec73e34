// Owns that text is data to the database, whatever it looks like. What may be stored at all is decided by the parsers before.

import { clientId, digest, subject } from '@vouchsafe/core'
import t from 'tap'
import { openBench } from './harness.ts'
import { NOW, newWorld, occasion } from './world.ts'

const HOSTILE: readonly string[] = [
  "'; drop table clients; --",
  "' or '1'='1",
  '" or ""="',
  '\\',
  "\\'; select pg_sleep(9); --",
  '$1 $2 {clients}',
  '%_*?',
  '{a,b}',
  '{"a":null}',
  'NULL',
  "E'\\x41'",
  '\u2028\u2029\ud83d\ude00',
  "a''b",
]

const bench = await openBench()
t.teardown(() => bench.close())

t.test(
  '[ADV-093, R6819-10] text with metacharacters is stored and found as the text it is, and does nothing',
  async (t) => {
    const { stores } = bench
    const { client, session } = await newWorld(stores)
    for (const [at, text] of HOSTILE.entries()) {
      const made = {
        ...client,
        clientId: clientId(`id-${at}-${text}`),
        name: text,
        scopes: [text],
        redirectUris: [text],
      }
      t.equal(await stores.clients.createClient(made, occasion), 'created', text)
      t.same(await stores.clients.findClient(made.clientId), made, text)
      t.equal(await stores.clients.isRegisteredOrigin(text), false, text)
      const person = subject(`person-${at}-${text}`)
      t.equal(await stores.subjects.createSubject(person, occasion), 'created', text)
      t.match(await stores.subjects.findSubject(person), { subject: person, status: 'active' }, text)
      const events = [{ name: text, at: NOW, fields: { [text]: text } }]
      await stores.audit.appendEvents(events)
      t.equal(
        await stores.reservations.reserve([{ namespace: text, digest: digest('A'.repeat(43)), expiresAt: NOW }], NOW),
        'reserved',
        text,
      )
      await stores.clients.listClients({ after: text, limit: 1 })
    }
    t.ok(await stores.clients.findClient(client.clientId), 'the others are still there')
    t.equal((await stores.sessions.findSessions([session.secretDigest])).length, 1)
    const [row] =
      await bench.sql`select count(*)::integer as events from audit_events where name = any (${[...HOSTILE]}::text[])`
    t.equal(row?.['events'], HOSTILE.length)
  },
)
