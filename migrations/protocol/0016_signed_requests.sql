-- How a client sends signed requests (RFC 9101), and what its answers are signed with (JARM).

alter table clients
  add column request_object_alg text,
  add column require_signed_requests boolean not null default false,
  add column request_uris text[] not null default '{}',
  -- Null stands for the algorithm of its ID tokens.
  add column authorization_response_alg text;
