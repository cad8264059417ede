-- One row per transaction that a person entered, its latest version, oldest first, as in transactions.sql. Before there is staging.
with first as (
    select transaction_id,
           coalesce(substr(import_key, 4), 'plumbline:' || md5(transaction_id || ' ' || extract(epoch from entered_at))) as id
    from (select transaction_id, entered_at, case when import_key like 'id:%' then import_key end as import_key
          from book.transaction where portfolio_id = $1 and version = 1) as first
), latest as (
    select distinct on (transaction_id) * from book.transaction where portfolio_id = $1 order by transaction_id, version desc
)
select first.id as "id!", account.name as "account!", latest.traded_on, latest.type, latest.symbol as "symbol?",
       coalesce(latest.quantity, 0) as "quantity!", coalesce(latest.price, 0) as "price!", latest.amount, latest.fee, latest.tax,
       latest.currency, latest.ratio as "ratio?", latest.counter_symbol as "counter_symbol?", latest.cost_share as "cost_share?",
       latest.lot_id as "lot_id?", latest.opened_on as "opened_on?", latest.note
from latest
join first using (transaction_id)
join book.account on account.portfolio_id = latest.portfolio_id and account.account_id = latest.account_id
where not latest.is_deleted and ($2::text[] is null or first.id = any($2))
order by latest.traded_on, account.name collate "C", first.id collate "C"
