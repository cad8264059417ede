-- The schema `ledger`: what app::analytics yields. Dropped at will: the next publication brings every row back.
create schema if not exists ledger;

-- One row per portfolio and session.
create table if not exists ledger.portfolio_day (
    portfolio_id bigint not null,
    session_date date not null,
    value        numeric(19, 4),
    cash         numeric(19, 4) not null,
    receivable   numeric(19, 4) not null,
    inflow       numeric(19, 4) not null,
    outflow      numeric(19, 4) not null,
    daily_return double precision,
    carried      int not null,
    positions    int not null,
    unrealized   numeric(19, 4),
    -- Sums since the first session:
    total_inflow  numeric(19, 4) not null,
    total_outflow numeric(19, 4) not null,
    realized      numeric(19, 4) not null,
    income        numeric(19, 4) not null,
    costs         numeric(19, 4) not null,
    brought_in    numeric(19, 4) not null,
    primary key (portfolio_id, session_date)
);
-- One row per portfolio that the last publication changed, with the first session that it changed: what incremental models rebuild.
create table if not exists ledger.changed (
    portfolio_id bigint primary key,
    from_date    date not null
);
-- One row per held quantity that stayed the same from from_date to to_date (null: still held).
create table if not exists ledger.position (
    portfolio_id bigint not null,
    account_id   bigint not null,
    symbol       text not null,
    from_date    date not null,
    to_date      date,
    quantity     numeric(28, 10) not null,
    cost         numeric(19, 4) not null,
    primary key (portfolio_id, account_id, symbol, from_date)
);
-- One row per open lot.
create table if not exists ledger.lot (
    portfolio_id bigint not null,
    account_id   bigint not null,
    symbol       text not null,
    number       int not null,
    opened_on    date not null,
    quantity     numeric(28, 10) not null,
    cost         numeric(19, 4) not null,
    key          text not null,
    primary key (portfolio_id, account_id, symbol, number)
);
-- One row per lot, or part of one, that was closed.
create table if not exists ledger.realized (
    portfolio_id bigint not null,
    account_id   bigint not null,
    symbol       text not null,
    number       int not null,
    opened_on    date not null,
    closed_on    date not null,
    quantity     numeric(28, 10) not null,
    proceeds     numeric(19, 4) not null,
    cost         numeric(19, 4) not null,
    key          text not null,
    primary key (portfolio_id, number)
);
-- One row per input that could not be booked.
create table if not exists ledger.finding (
    portfolio_id bigint not null,
    number       int not null,
    session_date date not null,
    account_id   bigint,
    symbol       text,
    key          text,
    code         text not null,
    message      text not null,
    primary key (portfolio_id, number)
);
-- One row per portfolio: where its ledger stands, to go on from.
create table if not exists ledger.state (
    portfolio_id bigint primary key,
    session_date date not null,
    state        jsonb not null,
    -- Rows of ops.change up to this one are in.
    change_id    bigint not null,
    -- The prices that were in quarantine, as a hash: others now mean that the past must be booked anew.
    quarantined  text not null
);
-- One row per session of the exchange.
create table if not exists ledger.session (
    session_date          date primary key,
    previous_session_date date not null
);
