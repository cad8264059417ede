-- The schema `ledger`: what app::analytics yields. Dropped at will: the next publication brings every row back.
create schema if not exists ledger;

-- Tables of another shape than the one below go: what they hold is booked anew. Whoever changes a table raises the number.
do $$
declare
    shape constant text := 'shape 8';
    old record;
begin
    if obj_description('ledger'::regnamespace, 'pg_namespace') is distinct from shape then
        for old in select tablename from pg_catalog.pg_tables where schemaname = 'ledger' loop
            execute format('drop table ledger.%I cascade', old.tablename);
        end loop;
        execute format('comment on schema ledger is %L', shape);
    end if;
end
$$;

-- One row per portfolio and session.
create table if not exists ledger.portfolio_day (
    portfolio_id bigint not null,
    session_date date not null,
    value        numeric(19, 4),
    -- Of all currencies; null where one has no rate.
    cash         numeric(19, 4),
    receivable   numeric(19, 4),
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
    -- Of costs, the taxes; of realized, what exchange rates brought.
    taxes             numeric(19, 4) not null,
    realized_currency numeric(19, 4) not null,
    -- At the close: of the holdings; of unrealized, what exchange rates brought; and what they brought to cash and receivables.
    market_value        numeric(19, 4),
    unrealized_currency numeric(19, 4),
    cash_currency       numeric(19, 4),
    -- The value before it is rounded, of which returns are taken; null where rounding changes nothing.
    exact_value         numeric(38, 20),
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
    -- Of the symbol's prices; null: the portfolio's.
    currency     text,
    primary key (portfolio_id, account_id, symbol, from_date)
);
-- One row per session at whose close something was held that is priced in another currency, and that currency (of pence the pound):
-- units of the portfolio's for one unit of it.
create table if not exists ledger.rate (
    portfolio_id bigint not null,
    currency     text not null,
    session_date date not null,
    rate         numeric(28, 10) not null,
    primary key (portfolio_id, currency, session_date)
);
-- One row per open lot.
create table if not exists ledger.lot (
    portfolio_id bigint not null,
    account_id   bigint not null,
    symbol       text not null,
    number       int not null,
    opened_on    date not null,
    quantity     numeric(28, 10) not null,
    -- Null where a rate was missing.
    cost         numeric(19, 4),
    key          text not null,
    -- Its name, for sales that say which lot they close.
    lot_id         text,
    -- The cost in the currency of the symbol's prices, where that isn't the portfolio's.
    local_cost     numeric(28, 4),
    local_currency text,
    primary key (portfolio_id, account_id, symbol, number)
);
-- One row per account and symbol held at the close of the portfolio's last session.
create table if not exists ledger.holding (
    portfolio_id bigint not null,
    account_id   bigint not null,
    symbol       text not null,
    quantity     numeric(28, 10) not null,
    -- Money in the portfolio's currency, at the rates of the purchases; null where one was missing.
    cost         numeric(19, 4),
    -- The last close in the session's shares, in the currency of the symbol's prices; null: there is none yet.
    close        numeric(28, 10),
    priced_on    date,
    currency     text not null,
    -- Units of the portfolio's currency for one unit of it; null: there is none yet.
    rate         numeric(28, 10),
    market_value numeric(19, 4),
    unrealized   numeric(19, 4),
    -- Of unrealized, what exchange rates brought.
    currency_effect numeric(19, 4),
    primary key (portfolio_id, account_id, symbol)
);
-- One row per account and currency of which it holds cash at the close of the portfolio's last session.
create table if not exists ledger.cash (
    portfolio_id bigint not null,
    account_id   bigint not null,
    currency     text not null,
    amount       numeric(19, 4) not null,
    primary key (portfolio_id, account_id, currency)
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
    -- Each null where a rate was missing.
    proceeds     numeric(19, 4),
    cost         numeric(19, 4),
    key          text not null,
    -- "long": held for more than a year; else "short".
    term         text not null,
    -- Of the gain, what exchange rates brought; null where a rate was missing.
    currency_effect numeric(19, 4),
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
