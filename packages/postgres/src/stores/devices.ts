// Owns the statements on devices that ask to be let in: opening, claiming, settling. Polls are in poll-device.ts. Never sees a code, only
// its digest.

import { clientId, type DeviceRecord, type DeviceStore, type Occasion, subject } from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import {
  type ArrayColumn,
  bytes,
  digestOf,
  handleOf,
  type Int8,
  instantOf,
  instantOrUndefined,
  textArray,
  textsOf,
} from '../values.ts'
import { basisLocks } from './basis.ts'
import { insertEvents, type Part } from './events.ts'
import { type GrantRow, grantColumns, grantJoins, grantOf, stateOf } from './grant-rows.ts'
import { insertGrant } from './issue.ts'
import { poll } from './poll-device.ts'
import { insertReservations } from './reservations.ts'

interface DeviceRow {
  readonly handle: Buffer
  readonly device_digest: Buffer
  readonly user_code_digest: Buffer
  readonly client_id: string
  readonly scope: ArrayColumn<string>
  readonly resources: ArrayColumn<string>
  readonly network: string
  readonly opened_at: Int8
  readonly request_expires_at: Int8
  readonly expires_at: Int8
  readonly status: DeviceRecord['status']
  readonly claimed_by: string | null
  readonly poll_interval: number
  readonly polled_at: Int8 | null
}

const recordOf = (row: DeviceRow): DeviceRecord => ({
  handle: handleOf(row.handle),
  deviceDigest: digestOf(row.device_digest),
  userCodeDigest: digestOf(row.user_code_digest),
  clientId: clientId(row.client_id),
  scope: textsOf(row.scope),
  resources: textsOf(row.resources),
  network: row.network,
  openedAt: instantOf(row.opened_at),
  expiresAt: instantOf(row.request_expires_at),
  keptUntil: instantOf(row.expires_at),
  status: row.status,
  claimedBy: row.claimed_by === null ? undefined : subject(row.claimed_by),
  interval: row.poll_interval,
  polledAt: instantOrUndefined(row.polled_at),
})

/** Requests of a client that is still the one that asked. */
const living = (sql: Queries, where: Part): Part => sql`
  select d.handle, d.device_digest, d.user_code_digest, d.client_id, d.scope, d.resources, d.network, d.opened_at, d.request_expires_at,
    d.expires_at, d.status, d.claimed_by, d.poll_interval, d.polled_at
  from device_requests d join clients c on c.client_id = d.client_id and c.incarnation = d.client_incarnation
  where ${where}`

type Open = Parameters<DeviceStore['openDevice']>[0]
type Opened = Awaited<ReturnType<DeviceStore['openDevice']>>

const openIn = async (sql: Queries, { device, clientVersion, proofs }: Open, occasion: Occasion): Promise<Opened> => {
  const [row] = await sql<{ outcome: Opened }[]>`
    with held_client as materialized (
      select incarnation from clients
      where client_id = ${device.clientId} and version = ${clientVersion}::integer and not disabled
      for share
    ), reserved as (
      ${insertReservations(sql, proofs, { now: occasion.now, gate: sql`select from held_client` })}
    ), opened as (
      insert into device_requests (handle, device_digest, user_code_digest, client_id, client_incarnation, scope, resources, network,
        opened_at, request_expires_at, status, claimed_by, poll_interval, polled_at, expires_at)
      select ${bytes(device.handle)}::bytea, ${bytes(device.deviceDigest)}::bytea, ${bytes(device.userCodeDigest)}::bytea,
        ${device.clientId}, incarnation, ${textArray(device.scope)}::text[], ${textArray(device.resources)}::text[],
        ${device.network}, ${device.openedAt}::bigint, ${device.expiresAt}::bigint, ${device.status}::text,
        ${device.claimedBy ?? null}::text, ${device.interval}::integer, ${device.polledAt ?? null}::bigint, ${device.keptUntil}::bigint
      from held_client where (select count(*) from reserved) >= ${proofs.length}::integer
      on conflict (user_code_digest) do nothing
      returning 1
    ), written as (${insertEvents(sql, sql`opened`, occasion.events)})
    select case
      when exists (select from opened) then 'opened'
      when not exists (select from held_client) then 'stale'
      when (select count(*) from reserved) < ${proofs.length}::integer then 'proofReplayed'
      else 'taken'
    end as outcome`
  return row?.outcome ?? 'stale'
}

type Settle = Parameters<DeviceStore['settleDevice']>[0]
type Settled = Awaited<ReturnType<DeviceStore['settleDevice']>>

/** The device, locked after everything that an approval rests on, with the judgement on it. */
const judged = (sql: Queries, { handle, subject: person }: Settle, now: number, basis: Part): Part => sql`
  held_device as materialized (
    select handle, client_id, client_incarnation, status, claimed_by, request_expires_at from device_requests
    where handle = ${bytes(handle)}::bytea and (${basis})
    for update
  ), pending as materialized (
    select d.handle, d.client_id, d.client_incarnation, d.claimed_by is not distinct from ${person}::text as fits
    from held_device d join clients c on c.client_id = d.client_id and c.incarnation = d.client_incarnation
    where d.status = 'pending' and d.request_expires_at > ${now}::bigint
  )`

const deny = async (sql: Queries, settle: Settle, occasion: Occasion): Promise<Settled> => {
  const [row] = await sql<{ outcome: Settled }[]>`
    with ${judged(sql, settle, occasion.now, sql`true`)},
    settled as (
      update device_requests d set status = 'denied' from pending where d.handle = pending.handle and pending.fits
      returning 1
    ), written as (${insertEvents(sql, sql`settled`, occasion.events)})
    select case
      when exists (select from settled) then 'settled'
      when exists (select from pending) then 'mismatched'
      else 'unknown'
    end as outcome`
  return row?.outcome ?? 'unknown'
}

const approve = async (
  sql: Queries,
  settle: Settle,
  { grant, basis }: NonNullable<Settle['issue']>,
  occasion: Occasion,
): Promise<Settled> => {
  const check = { ...basis, clientId: grant.clientId, subject: grant.subject, now: occasion.now }
  const fits = grant.handle === settle.handle && grant.subject === settle.subject
  const gate = sql`exists (
    select from pending where fits and ${fits}::boolean and client_id = ${grant.clientId} and client_incarnation = basis.incarnation
  )`
  const [row] = await sql<{ outcome: Settled }[]>`
    with ${basisLocks(sql, check, sql`select`)},
    ${judged(sql, settle, occasion.now, sql`(select count(*) from basis) >= 0`)},
    ${insertGrant(sql, { grant, codeDigest: undefined }, gate)},
    settled as (
      update device_requests d set status = 'approved' from issued where d.handle = issued.handle
      returning 1
    ), written as (${insertEvents(sql, sql`settled`, occasion.events)})
    select case
      when exists (select from settled) then 'settled'
      when exists (select from pending where fits) then 'stale'
      when exists (select from pending) then 'mismatched'
      else 'unknown'
    end as outcome`
  return row?.outcome ?? 'unknown'
}

/** The store of devices in Postgres. */
export const createDeviceStore = (database: Database): DeviceStore => ({
  openDevice: (open, occasion) =>
    database.undoable(
      (sql) => openIn(sql, open, occasion),
      (outcome) => outcome !== 'opened',
    ),

  findDevice: async (userCodeDigest) => {
    const [row] = await database.statement<DeviceRow>(
      (sql) => sql`${living(sql, sql`d.user_code_digest = ${bytes(userCodeDigest)}::bytea`)}`,
    )
    return row === undefined ? undefined : recordOf(row)
  },

  findDeviceCode: ({ handle, deviceDigest }) =>
    database.transaction(async (sql) => {
      const [row] = await sql<
        DeviceRow[]
      >`${living(sql, sql`d.handle = ${bytes(handle)}::bytea and d.device_digest = ${bytes(deviceDigest)}::bytea`)}`
      if (row === undefined) return undefined
      const device = recordOf(row)
      if (device.status !== 'approved') return { device, approval: undefined }
      const [found] = await sql<GrantRow[]>`
        select ${grantColumns(sql)} from grants g ${grantJoins(sql)} where g.handle = ${bytes(handle)}::bytea`
      if (found === undefined) return { device, approval: undefined }
      const redeemedAt = instantOrUndefined(found.redeemed_at)
      return { device, approval: { grant: grantOf(found), redeemedAt, state: stateOf(found) } }
    }),

  claimDevice: async ({ handle, subject: person, now }) => {
    const [row] = await database.statement<{ outcome: 'claimed' | 'unknown' | 'mismatched' }>(
      (sql) => sql`
        with ${judged(sql, { handle, subject: person, issue: undefined }, now, sql`true`)},
        claimed as (
          update device_requests d set claimed_by = ${person}::text from pending
          where d.handle = pending.handle and (d.claimed_by is null or d.claimed_by = ${person}::text)
          returning 1
        )
        select case
          when exists (select from claimed) then 'claimed'
          when exists (select from pending) then 'mismatched'
          else 'unknown'
        end as outcome`,
    )
    return row?.outcome ?? 'unknown'
  },

  settleDevice: (settle, occasion) =>
    database.transaction((sql) =>
      settle.issue === undefined ? deny(sql, settle, occasion) : approve(sql, settle, settle.issue, occasion),
    ),

  pollDevice: (polled, occasion) => poll(database, polled, occasion),
})
