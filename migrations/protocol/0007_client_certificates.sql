-- Clients that authenticate by a certificate, and what their tokens are bound to.

alter table clients
  -- The one name that the certificate must have (RFC 8705 §2.1.2).
  add column tls_name_kind text check (tls_name_kind in ('subjectDn', 'sanDns', 'sanUri', 'sanIp', 'sanEmail')),
  add column tls_name text,
  add column certificate_bound_tokens boolean not null default false,
  add column dpop_bound_tokens boolean not null default false,
  add check ((tls_name_kind is null) = (tls_name is null));
