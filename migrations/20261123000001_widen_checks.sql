-- What a check says in full, what people decide about it, and rules and prices of their own.

alter table ops.check_result
    -- What was checked: bars, splits, dividends, activities, entries, a model such as marts.holdings.
    add column dataset        text not null default '',
    -- not_null, unique, range … : which kind of check it is.
    add column kind           text not null default '',
    -- What a failure does within its scope.
    add column action         text not null default 'record' check (action in ('record', 'quarantine', 'block', 'fail')),
    -- Elements without a value. `failures` are the unexpected ones among the rest.
    add column missing        bigint not null default 0,
    -- The number that was compared, where there is one.
    add column observed_value jsonb,
    -- The first unexpected values.
    add column unexpected     jsonb not null default '[]',
    -- Selects all failing rows, ready to paste.
    add column query          text,
    -- What it was compared with: {"mostly": 0.99, "minimum": 0 …}.
    add column thresholds     jsonb not null default '{}',
    -- What would mend it: [{"kind": "fetch", "symbol", "from", "to"}, {"kind": "price", "symbol", "session"}, {"kind": "accept"} …].
    add column repairs        jsonb not null default '[]',
    -- A person's word that this failure is known and bearable.
    add column acceptance_id  bigint;
create index check_result_name on ops.check_result (check_name, run_id desc);

alter table ops.quarantine
    add column dataset      text not null default 'bars',
    -- What tells rows of one symbol and day apart (a dividend's id); empty for bars.
    add column row_key      text not null default '',
    -- The row as it was refused.
    add column refused      jsonb not null default '{}',
    -- A person said that it is wrong: never used, no longer waited for.
    add column discarded_at timestamptz,
    add column note         text;
alter table ops.quarantine rename column released_by to decided_by;
alter table ops.quarantine drop constraint quarantine_pkey;
alter table ops.quarantine add primary key (dataset, symbol, session_date, row_key, check_name, response_id);

-- A price that a person entered for a session without a good one. Versions, never overwritten.
create table book.price (
    symbol       text not null,
    session_date date not null,
    version      int not null,
    close        numeric(28, 10) not null check (close > 0),
    is_deleted   boolean not null default false,
    note         text not null,
    entered_by   bigint not null,
    entered_at   timestamptz not null default clock_timestamp(),
    primary key (symbol, session_date, version)
);

-- "This is known and bearable until then": the check goes on being reported, and blocks nothing.
create table book.acceptance (
    acceptance_id bigint generated always as identity primary key,
    check_name    text not null,
    -- 0: of all portfolios.
    portfolio_id  bigint not null default 0,
    symbol        text,
    note          text not null,
    expires_on    date not null,
    accepted_by   bigint not null,
    accepted_at   timestamptz not null default clock_timestamp(),
    revoked_at    timestamptz
);

-- Checks that people wrote, as they would stand in the suite's file. Versions, never overwritten.
create table book.check_rule (
    rule_id    bigint not null,
    version    int not null,
    name       text not null,
    definition jsonb not null,
    is_deleted boolean not null default false,
    entered_by bigint not null,
    entered_at timestamptz not null default clock_timestamp(),
    primary key (rule_id, version)
);
create sequence book.rule_id;

-- What the broker reports otherwise than the transactions explain, from the first session to the last on which it was seen.
create table ops.reconciliation (
    portfolio_id bigint not null,
    account_id   bigint not null,
    -- Empty: cash.
    symbol       text not null,
    since        date not null,
    session_date date not null,
    derived      numeric(28, 10) not null,
    reported     numeric(28, 10) not null,
    -- missing_transaction, split_not_applied, quantity_off …
    cause        text not null,
    explanation  text not null,
    repair       jsonb,
    run_id       bigint not null,
    resolved_on  date,
    primary key (portfolio_id, account_id, symbol, since)
);
