-- Closes that a second vendor says, to compare with: never used as prices.
create table raw.reference_close (
    symbol       text not null,
    session_date date not null,
    close        numeric(28, 10) not null,
    vendor       text not null,
    response_id  bigint not null,
    primary key (symbol, session_date, vendor, response_id)
);
