-- The audit log. Append only; how long it is kept is the operator's decision, so that no sweep of the protocol touches it.

create table audit_events (
  id bigint generated always as identity primary key,
  at bigint not null,
  name text not null,
  fields jsonb not null
);

create index audit_events_time on audit_events (at);
