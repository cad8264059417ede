-- What pages show of several currencies, kept as the rest of what they showed.
alter table ops.published_portfolio_day
    add column cash_currency numeric(19, 4),
    -- The value before it was rounded; null where rounding changed nothing.
    add column exact_value   numeric(38, 20);

-- One row per portfolio, symbol and version, of holdings that are quoted in another currency or whose cost isn't known: the others are
-- worked out from quantity and close.
create table ops.published_foreign_holding (
    portfolio_id   bigint not null,
    symbol         text not null,
    publication_id bigint not null,
    -- Null: it is such a holding no longer.
    currency       text,
    rate           numeric(28, 10),
    cost           numeric(19, 4),
    value          numeric(19, 4),
    is_gone        boolean not null,
    primary key (portfolio_id, symbol, publication_id)
);
