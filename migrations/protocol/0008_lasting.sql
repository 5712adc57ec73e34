-- What outlives one exchange: refresh states, tokens that a client holds in its own name, resources that a grant is limited to, and the
-- keys that tokens are bound to.

alter table clients add column refresh_tokens text not null default 'offline' check (refresh_tokens in ('offline', 'always'));
alter table clients alter column refresh_tokens drop default;

alter table consents add column resources text[] not null default '{}';
alter table consents alter column resources drop default;

alter table grants add column resources text[] not null default '{}';
alter table grants alter column resources drop default;

-- One narrow row for each grant that is refreshed, whatever is rotated.
create table refresh_states (
  handle bytea primary key check (octet_length(handle) = 16),
  current_digest bytea not null check (octet_length(current_digest) = 32),
  previous_digest bytea check (octet_length(previous_digest) = 32),
  salt bytea check (octet_length(salt) = 32),
  mark bytea not null check (octet_length(mark) = 32),
  rotated_at bigint,
  idle_expires_at bigint not null,
  absolute_expires_at bigint not null,
  binding_method text check (binding_method in ('jkt', 'x5t#S256')),
  binding_thumbprint bytea check (octet_length(binding_thumbprint) = 32),
  -- The day after the idle end: it changes once a day at the most, so that the rotations between touch no index.
  sweep_at bigint not null generated always as ((idle_expires_at / 86400 + 1) * 86400) stored,
  check (idle_expires_at <= absolute_expires_at),
  check ((previous_digest is null) = (salt is null) and (salt is null) = (rotated_at is null)),
  check ((binding_method is null) = (binding_thumbprint is null))
) with (fillfactor = 60);

create index refresh_states_expiry on refresh_states (sweep_at);

alter table access_tokens add column owner text not null default 'grant' check (owner in ('grant', 'client'));
alter table access_tokens alter column owner drop default;
alter table access_tokens add column client_incarnation bigint;
alter table access_tokens add column binding_method text check (binding_method in ('jkt', 'x5t#S256'));
alter table access_tokens add column binding_thumbprint bytea check (octet_length(binding_thumbprint) = 32);
alter table access_tokens add check ((binding_method is null) = (binding_thumbprint is null));

-- Tokens of before hang on their grant's client.
update access_tokens t set client_incarnation = g.client_incarnation from grants g where g.handle = t.handle;
delete from access_tokens where client_incarnation is null;
alter table access_tokens alter column client_incarnation set not null;

-- JWTs that were revoked before their time, by their grant (or themselves) and the digest of their jti.
create table revoked_jwts (
  handle bytea not null check (octet_length(handle) = 16),
  digest bytea not null check (octet_length(digest) = 32),
  revoked_at bigint not null,
  expires_at bigint not null,
  primary key (handle, digest)
);

create index revoked_jwts_expiry on revoked_jwts (expires_at);
