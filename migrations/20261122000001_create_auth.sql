-- Who may: people, their sign-in sessions, and the one-time token of an empty installation.
create schema auth;

create table auth."user" (
    user_id       bigint generated always as identity primary key,
    name          text not null unique check (name = lower(name) and length(name) between 1 and 64),
    display_name  text not null,
    -- Argon2id in PHC form; null: this person can't sign in with a password (the demo visitor).
    password_hash text,
    role          text not null check (role in ('administrator', 'member', 'demo')),
    disabled_at   timestamptz,
    created_at    timestamptz not null default now()
);

-- Keyed by the SHA-256 of the session's id: a stolen backup signs nobody in.
create table auth.session (
    id_hash    bytea primary key,
    user_id    bigint,
    data       jsonb not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now()
);
create index session_expires_at on auth.session (expires_at);
create index session_user_id on auth.session (user_id);

-- Printed at the start while there is no administrator; only its hash is kept.
create table auth.setup_token (
    token_hash bytea primary key,
    created_at timestamptz not null default now(),
    used_at    timestamptz
);

-- Sign-in attempts that failed, to slow down guessing; swept after a day.
create table auth.sign_in_failure (
    failure_id bigint generated always as identity primary key,
    name       text not null,
    failed_at  timestamptz not null default now()
);
create index sign_in_failure_name on auth.sign_in_failure (name, failed_at desc);
