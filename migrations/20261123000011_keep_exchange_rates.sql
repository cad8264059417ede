-- One row per pair of currencies, day and version: what one unit of the first cost in the second at the day's close. Days are those of
-- UTC, as the vendor counts them; weekends and holidays of the exchange may have rates.
create table raw.exchange_rate (
    currency    text not null check (currency ~ '^[A-Z]{3}$'),
    quote       text not null check (quote ~ '^[A-Z]{3}$'),
    quoted_on   date not null,
    close       numeric(28, 10) not null,
    vendor      text not null,
    response_id bigint not null,
    primary key (currency, quote, quoted_on, response_id)
);

alter table ops.coverage drop constraint coverage_kind_check;
alter table ops.coverage add constraint coverage_kind_check check (kind in ('bars', 'splits', 'dividends', 'details', 'rates', 'exchange_rates'));

-- A rate that changed is a change for the portfolios that need its currency.
alter table ops.change drop constraint change_kind_check;
alter table ops.change add constraint change_kind_check check (kind in (
    'bar', 'split', 'dividend', 'instrument', 'activity', 'position', 'rate', 'transaction', 'account', 'exchange_rate'));
