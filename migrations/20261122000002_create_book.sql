-- What people entered: portfolios, accounts, connections, transactions by hand. Never rebuilt.
create schema book;

create table book.portfolio (
    portfolio_id  bigint generated always as identity primary key,
    owner_id      bigint not null,
    name          text not null check (length(name) between 1 and 80),
    base_currency text not null default 'USD' check (base_currency ~ '^[A-Z]{3}$'),
    is_demo       boolean not null default false,
    created_at    timestamptz not null default now(),
    unique (owner_id, name)
);

-- A vendor's credentials. They belong to a person; the secret is encrypted (ChaCha20-Poly1305, key PLUMBLINE_SECRET_KEY).
create table book.connection (
    connection_id bigint generated always as identity primary key,
    owner_id      bigint not null,
    vendor        text not null check (vendor in ('polygon', 'alpaca', 'fred')),
    label         text not null,
    -- Null: the demo's; whichever server performs the task asks its own simulator.
    base_url      text check ((base_url is null) = (origin = 'demo')),
    -- Alpaca's market data lives on another host.
    data_url      text,
    secret        bytea not null,
    -- The last four characters of the key, to tell connections apart on screen.
    key_hint      text not null,
    origin        text not null check (origin in ('environment', 'person', 'demo')),
    -- Null: unlimited (the simulator). Polygon's free plan: 5.
    calls_per_minute int check (calls_per_minute > 0),
    tested_at     timestamptz,
    last_error    text,
    disabled_at   timestamptz,
    created_at    timestamptz not null default now()
);
create index connection_owner_id on book.connection (owner_id);
create unique index connection_of_the_environment on book.connection (owner_id, vendor) where origin = 'environment' and disabled_at is null;

create table book.account (
    portfolio_id  bigint not null,
    account_id    bigint generated always as identity,
    name          text not null,
    connection_id bigint,
    -- The broker's own id of the account.
    external_id   text,
    cost_basis    text not null default 'fifo' check (cost_basis in ('fifo', 'average')),
    allows_short  boolean not null default false,
    -- The market's day on which everything that the broker reports of it was fetched last.
    synced_on     date,
    -- When its opening balances were worked out: once, after the first complete fetch.
    openings_proposed_at timestamptz,
    created_at    timestamptz not null default now(),
    primary key (portfolio_id, account_id)
);
create unique index account_of_connection on book.account (portfolio_id, connection_id, external_id) where connection_id is not null;

-- One row per version of a transaction that a person entered, imported or confirmed. The latest version counts;
-- a deletion is a version too.
create table book.transaction (
    portfolio_id   bigint not null,
    transaction_id bigint not null,
    version        int not null check (version >= 1),
    account_id     bigint not null,
    traded_on      date not null,
    type           text not null check (type in ('buy', 'sell', 'deposit', 'withdrawal', 'dividend', 'interest', 'fee', 'tax',
                                                 'transfer_in', 'transfer_out', 'opening')),
    symbol         text,
    quantity       numeric(28, 10) check (quantity > 0),
    price          numeric(28, 10) check (price >= 0),
    -- The money before fee and tax, positive; the type gives the direction.
    amount         numeric(19, 4) not null check (amount >= 0),
    fee            numeric(19, 4) not null default 0 check (fee >= 0),
    tax            numeric(19, 4) not null default 0 check (tax >= 0),
    currency       text not null default 'USD',
    note           text not null default '',
    source         text not null check (source in ('hand', 'csv', 'opening')),
    -- Which row of which import this is: a second import of the same file changes nothing.
    import_key     text,
    is_deleted     boolean not null default false,
    entered_by     bigint not null,
    entered_at     timestamptz not null default now(),
    primary key (portfolio_id, transaction_id, version)
);
create sequence book.transaction_id;
create unique index transaction_import_key on book.transaction (portfolio_id, account_id, import_key) where import_key is not null and version = 1;

-- What the broker reports and the transactions don't explain, at the first known day: proposed, then confirmed by the person.
create table book.opening_proposal (
    portfolio_id bigint not null,
    account_id   bigint not null,
    -- Empty: cash.
    symbol       text not null default '',
    opened_on    date not null,
    quantity     numeric(28, 10),
    amount       numeric(19, 4) not null,
    state        text not null default 'proposed' check (state in ('proposed', 'confirmed', 'dismissed')),
    proposed_at  timestamptz not null default now(),
    decided_at   timestamptz,
    decided_by   bigint,
    primary key (portfolio_id, account_id, symbol)
);
