-- Devices that ask to be let in (RFC 8628): a grant may begin with no redirect and no code.

alter table grants alter column code_digest drop not null;
alter table grants alter column redirect_uri_digest drop not null;

create table device_requests (
  -- Of the grant that approving it writes.
  handle bytea primary key check (octet_length(handle) = 16),
  device_digest bytea not null check (octet_length(device_digest) = 32),
  user_code_digest bytea not null unique check (octet_length(user_code_digest) = 32),
  client_id text collate "C" not null,
  -- A client that takes a deleted one's id inherits nothing of it.
  client_incarnation bigint not null,
  scope text[] not null,
  resources text[] not null,
  network text not null,
  opened_at bigint not null,
  request_expires_at bigint not null,
  status text not null check (status in ('pending', 'approved', 'denied')),
  claimed_by text collate "C",
  poll_interval integer not null,
  polled_at bigint,
  -- Until then it is known what became of it. The sweep may take it from then on.
  expires_at bigint not null,
  check (expires_at >= request_expires_at),
  check (status = 'pending' or claimed_by is not null)
) with (fillfactor = 70);

create index device_requests_expiry on device_requests (expires_at);
