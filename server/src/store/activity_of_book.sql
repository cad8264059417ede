-- One row per transaction that a person entered, its latest version, newest first: a page of them. Before there is staging.
with latest as (
    select distinct on (transaction_id) * from book.transaction where portfolio_id = $1 order by transaction_id, version desc
)
select 'book:' || transaction_id as "key!", transaction_id as "transaction_id?", version as "version?", traded_on, account_id, type,
       symbol as "symbol?", coalesce(quantity, 0) as "quantity!", coalesce(price, 0) as "price!", amount, fee, tax, currency, ratio as "ratio?",
       counter_symbol as "counter_symbol?", cost_share as "cost_share?", lot_id as "lot_id?", opened_on as "opened_on?", note, source,
       count(*) over () as "total!"
from latest
where not is_deleted
order by traded_on desc, transaction_id desc
limit $2 offset $3
