-- Where a client publishes its keys (RFC 7591 §2 `jwks_uri`).

alter table clients add column jwks_uri text;
