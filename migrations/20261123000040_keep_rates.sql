-- What past values of holdings in other currencies are worked out from, kept as the rest of what was shown.
alter table ops.published_position
    -- Of the symbol's prices; null: the portfolio's, or kept by an older version.
    add column currency text;

-- One row per portfolio, currency, session and version: what one unit of the currency (of pence the pound) cost in the portfolio's when the
-- session was valued.
create table ops.published_rate (
    portfolio_id   bigint not null,
    currency       text not null,
    session_date   date not null,
    publication_id bigint not null,
    -- Null: nothing in this currency was held on the session, by what is known now.
    rate           numeric(28, 10),
    primary key (portfolio_id, currency, session_date, publication_id)
);
