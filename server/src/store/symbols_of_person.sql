-- One row per symbol that a person's portfolios ever held or traded, and the benchmark's.
select symbol as "symbol!" from book.transaction where portfolio_id = any($1) and symbol is not null
union
select counter_symbol from book.transaction where portfolio_id = any($1) and counter_symbol is not null
union
select symbol from raw.broker_activity where portfolio_id = any($1) and symbol is not null
union
select symbol from raw.broker_position where portfolio_id = any($1)
union
select 'SPY'
