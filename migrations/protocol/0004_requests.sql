-- What lives for minutes: requests that wait for a person, one-time identifiers, counters of failed attempts.

create table interactions (
  id text collate "C" primary key,
  browser_digest bytea check (octet_length(browser_digest) = 32),
  revision integer not null check (revision >= 0),
  -- Kept as `json`, not `jsonb`: it goes out exactly as it came in.
  request json not null,
  authenticated_sid text collate "C",
  selected_sid text collate "C",
  other_account boolean not null,
  consent_sid text collate "C",
  consent_subject text collate "C",
  created_at bigint not null,
  expires_at bigint not null,
  settled_at bigint,
  check ((consent_sid is null) = (consent_subject is null))
);

create index interactions_expiry on interactions (expires_at);

create table reservations (
  namespace text collate "C" not null,
  digest bytea not null check (octet_length(digest) = 32),
  expires_at bigint not null,
  primary key (namespace, digest)
);

create index reservations_expiry on reservations (expires_at);

create table attempts (
  key bytea primary key check (octet_length(key) = 32),
  failures integer not null check (failures >= 0),
  blocked_until bigint not null,
  -- When the last failure is too old to count.
  forget_at bigint not null,
  expires_at bigint not null generated always as (greatest(blocked_until, forget_at)) stored
);

create index attempts_expiry on attempts (expires_at);
