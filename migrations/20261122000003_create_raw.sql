-- What vendors said. Append-only: a correction is a new row with a later response_id. Never rebuilt.
create schema raw;

create table raw.vendor_response (
    response_id   bigint generated always as identity primary key,
    vendor        text not null,
    connection_id bigint not null,
    -- What was asked for, e.g. polygon.bars; the request is the path and query without any key.
    endpoint      text not null,
    request       text not null,
    status        int not null,
    headers       jsonb not null default '{}',
    -- The body as it came, compressed by zstd; its length and hash are of the uncompressed bytes.
    body_zstd     bytea not null,
    body_bytes    int not null,
    body_sha256   bytea not null,
    fetched_at    timestamptz not null default now(),
    run_id        bigint,
    task_id       bigint
);
create index vendor_response_run_id on raw.vendor_response (run_id);

-- One row per symbol, session and version of a daily bar, raw prices (never adjusted). "timestamp" is 00:00 in New York of the session.
create table raw.market_data (
    symbol       text not null,
    "timestamp"  timestamptz not null,
    session_date date not null,
    open         numeric(28, 10),
    high         numeric(28, 10),
    low          numeric(28, 10),
    close        numeric(28, 10),
    volume       numeric(28, 4),
    vwap         numeric(28, 10),
    trade_count  bigint,
    vendor       text not null,
    response_id  bigint not null
) partition by range ("timestamp");
create unique index market_data_symbol_timestamp on raw.market_data (symbol, "timestamp" desc, response_id desc);

create table raw.split (
    symbol         text not null,
    execution_date date not null,
    split_from     numeric(28, 10) not null,
    split_to       numeric(28, 10) not null,
    vendor_id      text,
    response_id    bigint not null,
    primary key (symbol, execution_date, response_id)
);

create table raw.dividend (
    symbol           text not null,
    ex_dividend_date date not null,
    -- One symbol can go ex twice on a day (regular and special).
    vendor_id        text not null,
    declaration_date date,
    record_date      date,
    pay_date         date,
    cash_amount      numeric(28, 10) not null,
    currency         text not null default 'USD',
    distribution_type text,
    frequency        int,
    response_id      bigint not null,
    primary key (symbol, ex_dividend_date, vendor_id, response_id)
);

create table raw.instrument (
    symbol           text not null,
    name             text not null,
    -- Market identifier code, e.g. XNAS.
    primary_exchange text,
    type             text,
    currency         text not null,
    sic_code         text,
    sic_description  text,
    list_date        date,
    is_active        boolean not null default true,
    response_id      bigint not null,
    primary key (symbol, response_id)
);

-- One row per fetch of a broker's account.
create table raw.broker_account (
    portfolio_id bigint not null,
    account_id   bigint not null,
    external_id  text not null,
    status       text,
    currency     text not null,
    cash         numeric(19, 4) not null,
    equity       numeric(19, 4),
    fetched_at   timestamptz not null,
    -- The last completed exchange session when this was fetched.
    session_date date not null,
    response_id  bigint not null,
    primary key (portfolio_id, account_id, response_id)
);

-- One row per position in a fetch; an empty answer is a fetch without rows (see broker_account of the same run).
create table raw.broker_position (
    portfolio_id     bigint not null,
    account_id       bigint not null,
    symbol           text not null,
    quantity         numeric(28, 10) not null,
    average_entry_price numeric(28, 10),
    market_value     numeric(28, 10),
    current_price    numeric(28, 10),
    session_date     date not null,
    response_id      bigint not null,
    primary key (portfolio_id, account_id, symbol, response_id)
);

-- That a fetch of positions happened, also when it held none.
create table raw.broker_position_fetch (
    portfolio_id bigint not null,
    account_id   bigint not null,
    session_date date not null,
    fetched_at   timestamptz not null,
    response_id  bigint not null,
    primary key (portfolio_id, account_id, response_id)
);

-- One row per activity and version of it. Unknown types are kept too; staging maps what it knows, the checks report the rest.
create table raw.broker_activity (
    portfolio_id  bigint not null,
    account_id    bigint not null,
    activity_id   text not null,
    activity_type text not null,
    -- New York's day of a fill; the vendor's date of any other activity.
    activity_date date not null,
    transacted_at timestamptz,
    symbol        text,
    side          text,
    quantity      numeric(28, 10),
    price         numeric(28, 10),
    per_share_amount numeric(28, 10),
    net_amount    numeric(19, 4),
    status        text,
    description   text,
    -- The element as it came.
    body          jsonb not null,
    response_id   bigint not null,
    primary key (portfolio_id, account_id, activity_id, response_id)
);

create table raw.economic_observation (
    series_id        text not null,
    observed_on      date not null,
    -- Percent per year as the vendor prints it; null where it prints "." (a bond holiday).
    value            numeric(28, 10),
    realtime_start   date,
    response_id      bigint not null,
    primary key (series_id, observed_on, response_id)
);
