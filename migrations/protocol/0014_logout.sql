-- Signing out at the request of a relying party: where each may send people afterwards.

alter table clients add column post_logout_redirect_uris text[] not null default '{}';
