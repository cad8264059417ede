-- One row per transaction of a portfolio, oldest first, with the id by which a file knows it again: the broker's, or of an imported one
-- the id that it came with, or one that no other installation gives out. $2: these ids alone; null: all.
with ours as (
    select transaction_id,
           coalesce(substr(import_key, 4), 'plumbline:' || md5(transaction_id || ' ' || extract(epoch from entered_at))) as id
    from (select transaction_id, entered_at, case when import_key like 'id:%' then import_key end as import_key
          from book.transaction where portfolio_id = $1 and version = 1) as first
)
select coalesce(ours.id, entry.key) as "id!", account.name as "account!", entry.traded_on, entry.type, entry.symbol as "symbol?", entry.quantity, entry.price,
       entry.amount, entry.fee, entry.tax, entry.currency, entry.ratio as "ratio?", entry.counter_symbol as "counter_symbol?",
       entry.cost_share as "cost_share?", entry.lot_id as "lot_id?", entry.opened_on as "opened_on?", entry.note
from staging.transactions as entry
join book.account on account.portfolio_id = entry.portfolio_id and account.account_id = entry.account_id
left join ours on ours.transaction_id = entry.transaction_id
where entry.portfolio_id = $1 and ($2::text[] is null or coalesce(ours.id, entry.key) = any($2))
order by entry.traded_on, account.name collate "C", coalesce(ours.id, entry.key) collate "C"
