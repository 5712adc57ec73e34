-- People as the protocol knows them, their sessions and what they allowed.

create table subjects (
  subject text collate "C" primary key check (length(subject) between 1 and 255),
  status text not null check (status in ('active', 'disabled')),
  -- Every change of a person's rights bumps it; an issue that rested on an older one is refused.
  version integer not null check (version > 0)
);

create table sessions (
  sid text collate "C" primary key,
  secret_digest bytea not null unique check (octet_length(secret_digest) = 32),
  subject text collate "C" not null,
  auth_time bigint not null,
  amr text[] not null,
  acr text,
  started_at bigint not null,
  idle_expires_at bigint not null,
  absolute_expires_at bigint not null,
  ended_at bigint,
  -- So that the idle end alone says when a session is dead, and one index serves the sweep.
  check (idle_expires_at <= absolute_expires_at)
);

create index sessions_subject on sessions (subject);
create index sessions_expiry on sessions (idle_expires_at);

-- One sequence for all, so that no version is used twice for one person and client, even after a withdrawal.
create sequence consent_versions;

create table consents (
  subject text collate "C" not null,
  client_id text collate "C" not null,
  version bigint not null default nextval('consent_versions'),
  scope text[] not null,
  claims text[] not null,
  granted_at bigint not null,
  expires_at bigint not null,
  primary key (subject, client_id)
);

alter sequence consent_versions owned by consents.version;

create index consents_client on consents (client_id);
create index consents_expiry on consents (expires_at);
