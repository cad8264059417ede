-- One row per transaction that a person entered, its latest version, oldest first, as in transactions.sql. Before there is staging.
with latest as (
    select distinct on (transaction_id) * from book.transaction where portfolio_id = $1 order by transaction_id, version desc
)
select first.id as "id!", account.name as "account!", latest.traded_on, latest.type, latest.symbol as "symbol?",
       coalesce(latest.quantity, 0) as "quantity!", coalesce(latest.price, 0) as "price!", latest.amount, latest.fee, latest.tax,
       latest.currency, latest.ratio as "ratio?", latest.counter_symbol as "counter_symbol?", latest.cost_share as "cost_share?",
       latest.lot_id as "lot_id?", latest.opened_on as "opened_on?", latest.note
from latest
join lateral (
    select case when entered.import_key like 'id:%' then substr(entered.import_key, 4)
                else 'plumbline:' || md5(entered.transaction_id || ' ' || extract(epoch from entered.entered_at)) end as id
    from book.transaction as entered
    where entered.portfolio_id = $1 and entered.transaction_id = latest.transaction_id and entered.version = 1
    offset 0
) as first on true
join book.account on account.portfolio_id = latest.portfolio_id and account.account_id = latest.account_id
where not latest.is_deleted and ($2::text[] is null or first.id in (select unnest($2::text[])))
order by latest.traded_on, latest.transaction_id
