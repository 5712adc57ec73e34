-- Who was signed in where, and the outbox of clients that are to be told that a session ended.

alter table clients
  add column backchannel_logout_uri text,
  add column backchannel_logout_session_required boolean not null default false;

-- Grants are swept long before their session ends; these rows live as long as it.
create table session_clients (
  sid text collate "C" not null,
  client_id text collate "C" not null,
  client_incarnation bigint not null,
  primary key (sid, client_id, client_incarnation)
);

-- Sessions from before this table: their grants that are still there.
insert into session_clients (sid, client_id, client_incarnation)
select distinct g.sid, g.client_id, g.client_incarnation from grants g join sessions b on b.sid = g.sid
on conflict do nothing;

-- A session ends once, so that a client is told of it once. No token is kept: each attempt is signed afresh.
create table logout_deliveries (
  sid text collate "C" not null,
  client_id text collate "C" not null,
  subject text collate "C" not null,
  state text not null check (state in ('waiting', 'delivered', 'dead')),
  attempts integer not null check (attempts >= 0),
  taken_at bigint,
  failure text,
  created_at bigint not null,
  due_at bigint not null,
  expires_at bigint not null,
  primary key (sid, client_id)
);

-- Sessions that are over by time and were not ended yet; the other index holds those that were, too.
create index sessions_open_expiry on sessions (idle_expires_at) where ended_at is null;

create index logout_deliveries_due on logout_deliveries (due_at) where state = 'waiting';
create index logout_deliveries_expiry on logout_deliveries (expires_at);
