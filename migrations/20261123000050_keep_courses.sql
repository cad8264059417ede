-- What holdings were worth and what moved in them, as it is shown and as it was: contributions of any day's pages are worked out of these.
-- Nearly every publication adds to them alone, so what is replaced is kept, not what is added: as of a publication, of each key the row counts
-- that was replaced first after it, up to the last session that it showed.
alter table ops.publication
    -- Holdings' courses as of this publication can be told; those of older versions of the program can't.
    add column keeps_courses boolean not null default false;

-- One row per portfolio, symbol and quarter, and one for each time that it was replaced. Its numbers are in the portfolio's currency.
create table ops.published_holding_quarter (
    portfolio_id bigint not null,
    symbol       text not null,
    -- Its first day.
    quarter      date not null,
    -- The publication that showed something else of days that were shown before; the largest number: it stands.
    replaced_by  bigint not null default 9223372036854775807,
    -- For each day of the quarter up to the last one known, in ten-thousandths: the market value at the close; 0: not held, or no session;
    -- null: unknown. Null as a whole: there was no row.
    market_value bigint[],
    -- What the exchange rate brought in the session; null where the symbol's prices are in the portfolio's currency.
    currency_gain bigint[],
    primary key (portfolio_id, symbol, quarter, replaced_by)
-- The row of the quarter that goes on is written anew with each session, beside itself.
) with (fillfactor = 60);

-- One row per portfolio, symbol and session in which something went into a holding or came out of it, all accounts together, and one for each
-- time that it was replaced.
create table ops.published_holding_move (
    portfolio_id bigint not null,
    symbol       text not null,
    session_date date not null,
    -- As above.
    replaced_by  bigint not null default 9223372036854775807,
    -- What went in less what came out: purchases and costs; sales and income. Null with all that follow: there was no row.
    net          numeric(28, 4),
    -- Dividends, those due included; fees and taxes that are in no lot; realized gains.
    income       numeric(28, 4),
    costs        numeric(28, 4),
    realized     numeric(28, 4),
    -- Capital that went in, whatever came out.
    invested     numeric(28, 4),
    -- An amount had no exchange rate, so all of these are unknown.
    is_unconverted boolean,
    primary key (portfolio_id, symbol, session_date, replaced_by)
);
