-- Grants and what hangs on them. The handle is the first column of every key, so that all of a grant lies together where tables
-- are distributed by it. No JSON but in the side table, which is written only when a request had a claims parameter.

create table grants (
  handle bytea primary key check (octet_length(handle) = 16),
  code_digest bytea not null check (octet_length(code_digest) = 32),
  client_id text collate "C" not null,
  client_incarnation bigint not null,
  subject text collate "C" not null,
  sid text collate "C" not null,
  scope text[] not null,
  offline boolean not null,
  redirect_uri_digest bytea not null check (octet_length(redirect_uri_digest) = 32),
  code_challenge text,
  nonce text,
  auth_time bigint not null,
  amr text[] not null,
  acr text,
  issued_at bigint not null,
  code_expires_at bigint not null,
  redeemed_at bigint,
  revoked_at bigint,
  -- When nothing that hangs on the grant can be used any more: the sweep may take it from then on.
  expires_at bigint not null,
  check (expires_at >= code_expires_at)
);

create index grants_owner on grants (subject, client_id);
create index grants_expiry on grants (expires_at);

create table grant_claims (
  handle bytea primary key,
  request json not null
);

create table access_tokens (
  handle bytea not null,
  digest bytea not null check (octet_length(digest) = 32),
  client_id text collate "C" not null,
  scope text[] not null,
  audience text[] not null,
  issued_at bigint not null,
  expires_at bigint not null check (expires_at >= issued_at),
  revoked_at bigint,
  primary key (handle, digest)
);

create index access_tokens_expiry on access_tokens (expires_at);
