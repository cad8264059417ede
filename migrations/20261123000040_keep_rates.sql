-- What past values of holdings in other currencies are worked out from, kept as the rest of what was shown.
alter table ops.published_position
    -- Of the symbol's prices; null: the portfolio's.
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

-- What older versions kept has the currency of each holding at the last session alone; of what was sold before, the security's says it, as
-- the ledger reads it: of an unknown one the dollar.
update ops.published_position as held
set currency = priced.currency
from (
    select held.portfolio_id, held.symbol, coalesce(kept.currency, security.currency, 'USD') as currency
    from (select distinct portfolio_id, symbol from ops.published_position) as held
    left join lateral (
        select currency from ops.published_foreign_holding as kept
        where kept.portfolio_id = held.portfolio_id and kept.symbol = held.symbol and kept.currency is not null
        order by publication_id desc
        limit 1
    ) as kept on true
    left join lateral (
        select case trim(currency) when 'GBp' then 'GBX' when 'ZAc' then 'ZAC' when 'ILa' then 'ILA' else upper(trim(currency)) end as currency
        from raw.instrument as security
        where security.symbol = held.symbol
        order by response_id desc
        limit 1
    ) as security on true
) as priced
inner join book.portfolio as portfolio on portfolio.portfolio_id = priced.portfolio_id
where
    held.portfolio_id = priced.portfolio_id and held.symbol = priced.symbol and not held.is_gone
    and priced.currency <> portfolio.base_currency;
