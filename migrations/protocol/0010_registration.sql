-- Clients that register themselves, and the tokens that let them.

alter table clients
  add column origin text not null default 'operator' check (origin in ('operator', 'registered')),
  add column registration_token_digest bytea check (octet_length(registration_token_digest) = 32),
  add column unused_expires_at bigint,
  add column initiate_login_uri text,
  add column contacts text[] not null default '{}',
  -- Whoever writes, nobody is trusted on his own word.
  add check (origin = 'operator' or not trusted);

create index clients_unused on clients (unused_expires_at) where unused_expires_at is not null;

create table registration_tokens (
  id text collate "C" primary key check (id <> ''),
  digest bytea not null unique check (octet_length(digest) = 32),
  label text not null,
  -- Null: every scope that clients may register at all.
  scopes text[],
  uses_left integer not null check (uses_left >= 0),
  created_at bigint not null,
  expires_at bigint not null
);

create index registration_tokens_expiry on registration_tokens (expires_at);
