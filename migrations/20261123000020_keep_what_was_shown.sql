-- What pages showed, so that any day's pages can be drawn again: append-only, a row only where it differs from what was shown before.
-- The latest row up to a publication is what it showed. Nothing here is rebuilt, and nothing refers to the rebuilt schemas.

alter table ops.publication
    -- Everything that pages show can be drawn again as of this publication; older versions of the program kept less.
    add column keeps_all   boolean not null default false,
    -- Portfolios whose numbers were written anew; the others went on showing what the last one with them showed.
    add column portfolios  bigint[] not null default '{}',
    -- Vendors' answers up to this one were read.
    add column response_id bigint not null default 0,
    -- The program's version, and the models that were others before.
    add column program     text not null default '',
    add column replaced_models text[] not null default '{}';

alter table ops.published_portfolio_day
    add column cash              numeric(19, 4),
    add column receivable        numeric(19, 4),
    add column net_contributions numeric(19, 4),
    add column carried           int,
    add column positions         int,
    add column unrealized        numeric(19, 4),
    add column realized          numeric(19, 4),
    add column income            numeric(19, 4),
    add column costs             numeric(19, 4),
    add column brought_in        numeric(19, 4),
    -- The day is shown no longer. Null: kept by an older version, which kept value, flows and return alone.
    add column is_gone           boolean,
    -- The day was published before, with other numbers.
    add column is_restated       boolean not null default false;
update ops.published_portfolio_day as day set is_restated = true
from (select portfolio_id, session_date, publication_id,
             row_number() over (partition by portfolio_id, session_date order by publication_id) as version
      from ops.published_portfolio_day) as numbered
where numbered.version > 1 and (day.portfolio_id, day.session_date, day.publication_id) = (numbered.portfolio_id, numbered.session_date, numbered.publication_id);
create index published_portfolio_day_restated on ops.published_portfolio_day (portfolio_id, publication_id) where is_restated;

-- One row per session and version: what stands beside every portfolio's day.
create table ops.published_session (
    session_date           date not null,
    publication_id         bigint not null,
    benchmark_price_return double precision,
    benchmark_total_return double precision,
    risk_free_rate         double precision,
    primary key (session_date, publication_id)
);

-- One row per interval of ledger.position and version of it.
create table ops.published_position (
    portfolio_id   bigint not null,
    account_id     bigint not null,
    symbol         text not null,
    from_date      date not null,
    publication_id bigint not null,
    to_date        date,
    quantity       numeric(28, 10) not null,
    cost           numeric(19, 4) not null,
    is_gone        boolean not null default false,
    primary key (portfolio_id, account_id, symbol, from_date, publication_id)
);

-- One row per symbol, session and version: the close that stood beside holdings of that session; of the seven weeks before it also
-- those of small charts.
create table ops.published_price (
    symbol         text not null,
    session_date   date not null,
    publication_id bigint not null,
    -- In the session's shares; null: no price yet, or none any more.
    close          numeric(28, 10),
    -- The session of that close: an earlier one where it was carried.
    priced_on      date,
    previous_close numeric(28, 10),
    -- The version of the bar; 0: a close that a person entered.
    response_id    bigint,
    primary key (symbol, session_date, publication_id)
);

-- One row per symbol, execution date and version; without shares it is gone.
create table ops.published_split (
    symbol         text not null,
    execution_date date not null,
    publication_id bigint not null,
    split_from     numeric(28, 10),
    split_to       numeric(28, 10),
    primary key (symbol, execution_date, publication_id)
);

-- One row per symbol and version of what it is called.
create table ops.published_instrument (
    symbol         text not null,
    publication_id bigint not null,
    name           text not null,
    sector         text not null,
    primary key (symbol, publication_id)
);

-- One row per publication and portfolio whose published days moved, with the stretch of ops.change in which the reasons are.
create table ops.restatement (
    portfolio_id    bigint not null,
    publication_id  bigint not null,
    -- Changes up to this one were in what was shown before.
    after_change_id bigint not null,
    change_id       bigint not null,
    sessions        int not null,
    first_session   date not null,
    last_session    date not null,
    primary key (portfolio_id, publication_id)
);
-- What was restated before this was introduced.
insert into ops.restatement (portfolio_id, publication_id, after_change_id, change_id, sessions, first_session, last_session)
select day.portfolio_id, day.publication_id,
       coalesce((select max(earlier.change_id) from ops.publication as earlier where earlier.publication_id < day.publication_id), 0),
       publication.change_id, count(*), min(day.session_date), max(day.session_date)
from ops.published_portfolio_day as day inner join ops.publication as publication using (publication_id)
where day.is_restated group by day.portfolio_id, day.publication_id, publication.change_id;
