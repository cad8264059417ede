-- One row per transaction of a portfolio, oldest first, with the id by which a file knows it again: the broker's, or of an imported one
-- the id that it came with, or one that no other installation gives out. $2: these ids alone; null: all.
select coalesce(ours.id, entry.key) as "id!", account.name as "account!", entry.traded_on, entry.type, entry.symbol as "symbol?", entry.quantity, entry.price,
       entry.amount, entry.fee, entry.tax, entry.currency, entry.ratio as "ratio?", entry.counter_symbol as "counter_symbol?",
       entry.cost_share as "cost_share?", entry.lot_id as "lot_id?", entry.opened_on as "opened_on?", entry.note
from staging.transactions as entry
join book.account on account.portfolio_id = entry.portfolio_id and account.account_id = entry.account_id
-- By its whole key and row by row (the offset keeps it so): right after an import Postgres believes the table to be small, and would
-- compare every row with every other. For the same reason ids are looked up in a list that is hashed.
left join lateral (
    select case when first.import_key like 'id:%' then substr(first.import_key, 4)
                else 'plumbline:' || md5(first.transaction_id || ' ' || extract(epoch from first.entered_at)) end as id
    from book.transaction as first
    where first.portfolio_id = $1 and first.transaction_id = entry.transaction_id and first.version = 1
    offset 0
) as ours on true
where entry.portfolio_id = $1 and ($2::text[] is null or coalesce(ours.id, entry.key) in (select unnest($2::text[])))
-- As they are booked: a file is booked by its lines.
order by entry.traded_on, entry.transaction_id nulls first, entry.key collate "C"
