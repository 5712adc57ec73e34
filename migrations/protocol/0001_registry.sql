-- Clients, resources and signing keys: few rows, written by administrators. Instants are whole seconds since 1970 (bigint),
-- digests and handles are raw bytes, identifiers compare by bytes (collate "C").

create sequence client_incarnations;

create table clients (
  client_id text collate "C" primary key check (length(client_id) between 1 and 255),
  -- Differs for two clients that had one id after one another, so that what the first was granted stays dead.
  incarnation bigint not null unique default nextval('client_incarnations'),
  version integer not null check (version > 0),
  disabled boolean not null,
  name text not null,
  application_type text not null check (application_type in ('web', 'native')),
  auth_method text not null,
  secret_digests bytea[] not null,
  -- One entry per digest; null means that the secret does not expire.
  secret_expiries bigint[] not null,
  jwks json not null,
  redirect_uris text[] not null,
  localhost_any_port boolean not null,
  scopes text[] not null,
  grant_types text[] not null,
  pkce text not null check (pkce in ('required', 'optional')),
  nonce text not null check (nonce in ('required', 'optional')),
  id_token_alg text not null,
  id_token_claims text not null check (id_token_claims in ('minimal', 'scoped')),
  trusted boolean not null,
  default_max_age bigint check (default_max_age >= 0),
  cors_origins text[] not null,
  client_uri text,
  logo_uri text,
  policy_uri text,
  tos_uri text,
  created_at bigint not null,
  updated_at bigint not null,
  check (cardinality(secret_digests) = cardinality(secret_expiries)),
  -- RFC 9700 §2.1.1: only a client that proves who it is may go without PKCE.
  check (auth_method <> 'none' or pkce = 'required')
);

alter sequence client_incarnations owned by clients.incarnation;

-- A CORS preflight names an origin and no client.
create index clients_origins on clients using gin (cors_origins);

create table resources (
  identifier text collate "C" primary key check (identifier <> ''),
  version integer not null check (version > 0),
  name text not null,
  scopes json not null,
  token_format text not null check (token_format in ('opaque', 'jwt')),
  access_token_lifetime bigint check (access_token_lifetime > 0),
  signing_alg text not null,
  introspection_clients text[] not null
);

-- The one ring. A save bumps its revision and writes all keys anew under it, so that a reader sees one ring or the other.
create table key_ring (
  id boolean primary key default true check (id),
  revision integer not null check (revision >= 0)
);

insert into key_ring (revision) values (0);

create table signing_keys (
  revision integer not null,
  position integer not null,
  kid text collate "C" not null,
  alg text not null,
  state text not null check (state in ('next', 'active', 'retiring', 'retired')),
  public_jwk json not null,
  -- Sealed by the embedder before it comes here; the database never sees a private key.
  sealed_private_key text not null,
  created_at bigint not null,
  since bigint not null,
  primary key (revision, kid)
);
