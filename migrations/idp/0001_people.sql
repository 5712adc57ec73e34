-- People as the identity provider knows them: how they sign in and what may be told of them. Whether somebody may act is the
-- protocol's to know: the row of the same subject in `subjects`, by value, so that neither part needs the other's keys.

create table users (
  subject text collate "C" primary key check (length(subject) between 1 and 255),
  username text not null check (length(username) between 1 and 64),
  -- The name as it is compared: compatibility forms and letter case folded.
  username_key text collate "C" not null unique check (length(username_key) between 1 and 192),
  -- argon2id in its encoded form; null where no password was set yet, which no password matches.
  password_hash text check (length(password_hash) between 32 and 512),
  is_admin boolean not null default false,
  name text check (length(name) between 1 and 200),
  given_name text check (length(given_name) between 1 and 100),
  family_name text check (length(family_name) between 1 and 100),
  middle_name text check (length(middle_name) between 1 and 100),
  nickname text check (length(nickname) between 1 and 100),
  profile text check (length(profile) between 1 and 2048),
  picture text check (length(picture) between 1 and 2048),
  website text check (length(website) between 1 and 2048),
  email text check (length(email) between 3 and 254),
  email_key text collate "C" check (length(email_key) between 3 and 512),
  email_verified boolean not null default false,
  gender text check (length(gender) between 1 and 50),
  birthdate text check (birthdate ~ '^[0-9]{4}(-[0-9]{2}-[0-9]{2})?$'),
  zoneinfo text check (length(zoneinfo) between 1 and 64),
  locale text check (length(locale) between 2 and 35),
  phone_number text check (length(phone_number) between 3 and 32),
  phone_number_verified boolean not null default false,
  street_address text check (length(street_address) between 1 and 500),
  locality text check (length(locality) between 1 and 100),
  region text check (length(region) between 1 and 100),
  postal_code text check (length(postal_code) between 1 and 20),
  country text check (length(country) between 1 and 100),
  groups text[] not null default '{}' check (cardinality(groups) <= 1000),
  created_at bigint not null,
  updated_at bigint not null,
  check ((email is null) = (email_key is null))
);

-- Apps link accounts by a verified address, so it stands for one person.
create unique index users_verified_email on users (email_key) where email_verified;

-- Links that let somebody in once, before he has a password.
create table setup_links (
  digest bytea primary key check (octet_length(digest) = 32),
  purpose text not null check (purpose in ('first_administrator')),
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint
);

create index setup_links_expiry on setup_links (expires_at);
