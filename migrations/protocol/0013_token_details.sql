-- What few opaque access tokens have: the clients that act for the person by them, the latest first. It goes with its token.

create table token_details (
  handle bytea not null check (octet_length(handle) = 16),
  digest bytea not null check (octet_length(digest) = 32),
  actors text[] not null,
  primary key (handle, digest)
);
