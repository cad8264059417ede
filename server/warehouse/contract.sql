-- What Rust reads of the models' schemas, for compile-time checks of queries (`make prepare`). A test compares it with what the
-- pipeline really builds. Applied to a scratch database only, after the ledger's own tables (server/src/pipeline/ledger/tables.sql).
create schema staging;
create schema marts;

-- staging: views.

-- One row per symbol and session: the latest version of the bar that isn't in quarantine.
create table staging.prices (
    symbol text not null, "timestamp" timestamptz not null, session_date date not null, open numeric(28, 10), high numeric(28, 10),
    low numeric(28, 10), close numeric(28, 10) not null, volume numeric(28, 4), vendor text not null, response_id bigint not null
);
-- One row per transaction: the broker's executed activities and the latest version of what people entered.
create table staging.transactions (
    portfolio_id bigint not null, account_id bigint not null, key text not null, traded_on date not null, type text not null,
    symbol text, quantity numeric(28, 10) not null, price numeric(28, 10) not null, amount numeric(19, 4) not null,
    fee numeric(19, 4) not null, tax numeric(19, 4) not null, currency text not null, source text not null, note text not null,
    -- Of what people entered, else null:
    transaction_id bigint, version int,
    ratio numeric(28, 10), counter_symbol text, cost_share numeric(11, 10), lot_id text, opened_on date
);
-- One row per currency but the dollar and day: dollars for one unit at the day's close.
create table staging.exchange_rates (currency text not null, quoted_on date not null, dollars numeric(28, 10) not null);
-- One row per symbol and execution date.
create table staging.splits (symbol text not null, execution_date date not null, split_from numeric(28, 10) not null, split_to numeric(28, 10) not null);
-- One row per symbol, ex-date and vendor's id.
create table staging.dividends (symbol text not null, ex_dividend_date date not null, vendor_id text not null, pay_date date, cash_amount numeric(28, 10) not null, currency text not null);
-- One row per symbol. The sector comes from the SIC code.
create table staging.instruments (symbol text not null, name text not null, primary_exchange text, type text, currency text not null, sic_code text, sector text not null);
-- One row per account and symbol: what the broker reported last.
create table staging.broker_positions (portfolio_id bigint not null, account_id bigint not null, symbol text not null, quantity numeric(28, 10) not null, session_date date not null);
-- One row per account: the cash that the broker reported last.
create table staging.broker_cash (portfolio_id bigint not null, account_id bigint not null, cash numeric(19, 4) not null, currency text not null, session_date date not null);
-- One row per day on which a yield was published: DGS3MO as a fraction per year.
create table staging.risk_free_rates (observed_on date not null, annual_rate double precision not null);

-- marts: tables.

-- One row per portfolio and session, with the benchmark's returns of that session.
create table marts.portfolio_daily (
    portfolio_id bigint not null, session_date date not null, value numeric(19, 4), cash numeric(19, 4), receivable numeric(19, 4),
    inflow numeric(19, 4) not null, outflow numeric(19, 4) not null, net_contributions numeric(19, 4) not null, daily_return double precision,
    carried int not null, positions int not null, unrealized numeric(19, 4), realized numeric(19, 4) not null, income numeric(19, 4) not null,
    costs numeric(19, 4) not null, brought_in numeric(19, 4) not null,
    -- Of SPY; null where it has no bar on this or the previous session.
    benchmark_price_return double precision, benchmark_total_return double precision,
    -- DGS3MO of the session, carried over bond holidays, a fraction per year; null before its first day.
    risk_free_rate double precision,
    -- What exchange rates brought to cash and receivables since the first session.
    cash_currency numeric(19, 4), exact_value numeric(38, 20),
    -- Of unrealized and of realized, what exchange rates brought.
    unrealized_currency numeric(19, 4), realized_currency numeric(19, 4)
);
-- One row per portfolio and symbol held at the close of its last session, all accounts together.
create table marts.holdings (
    portfolio_id bigint not null, symbol text not null, session_date date not null, name text not null, sector text not null,
    quantity numeric(28, 10) not null, cost numeric(19, 4),
    -- In the currency of the symbol's prices; the value in the portfolio's.
    close numeric(28, 10), priced_on date, value numeric(19, 4), weight double precision,
    -- The close of the session before, in today's shares.
    previous_close numeric(28, 10),
    -- Of the close; and units of the portfolio's currency for one unit of it.
    currency text, rate numeric(28, 10),
    unrealized numeric(19, 4), currency_effect numeric(19, 4)
);
-- One row per portfolio and sector ("Cash" is one), at the close of its last session.
create table marts.allocation (
    portfolio_id bigint not null, sector text not null, session_date date not null, value numeric(28, 4), weight double precision
);
