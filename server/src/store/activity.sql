-- One row per transaction of a portfolio, newest first: a page of them. A page beyond the last is empty.
select key, transaction_id as "transaction_id?", version as "version?", traded_on, account_id, type, symbol as "symbol?", quantity, price,
       amount, fee, tax, currency, ratio as "ratio?", counter_symbol as "counter_symbol?", cost_share as "cost_share?",
       lot_id as "lot_id?", opened_on as "opened_on?", note, source, count(*) over () as "total!"
from staging.transactions
where portfolio_id = $1
order by traded_on desc, transaction_id desc nulls last, key desc
limit $2 offset $3
