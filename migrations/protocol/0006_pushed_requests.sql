-- Authorization requests that clients push (RFC 9126), and which interaction was copied from which.

create table pushed_requests (
  digest bytea primary key check (octet_length(digest) = 32),
  client_id text collate "C" not null,
  -- A client that takes a deleted one's id inherits nothing of it.
  client_incarnation bigint not null,
  -- Kept as `json`, not `jsonb`: it goes out exactly as it came in.
  request json not null,
  pushed_at bigint not null,
  -- From then on no browser may come with it.
  request_expires_at bigint not null,
  spent_at bigint,
  -- When no interaction can hold a copy any more: until then it is known whether it was spent. The sweep may take it from then on.
  expires_at bigint not null,
  check (expires_at >= request_expires_at)
);

create index pushed_requests_expiry on pushed_requests (expires_at);

alter table interactions add column pushed_request bytea check (octet_length(pushed_request) = 32);

alter table clients add column require_pushed_requests boolean not null default false;
