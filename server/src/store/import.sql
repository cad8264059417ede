-- One row per row of the file that wasn't there yet.
insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, fee, tax,
                              currency, ratio, counter_symbol, cost_share, lot_id, opened_on, note, source, import_key, entered_by)
select $1, nextval('book.transaction_id'), 1, account_id, traded_on, type, symbol, quantity, price, amount, fee, tax, currency, ratio,
       counter_symbol, cost_share, lot_id, opened_on, note, 'csv', import_key, $2
from unnest($3::bigint[], $4::date[], $5::text[], $6::text[], $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[],
            $12::text[], $13::numeric[], $14::text[], $15::numeric[], $16::text[], $17::date[], $18::text[], $19::text[])
     as row(account_id, traded_on, type, symbol, quantity, price, amount, fee, tax, currency, ratio, counter_symbol, cost_share, lot_id, opened_on, note,
            import_key)
on conflict (portfolio_id, account_id, import_key) where import_key is not null and version = 1 do nothing
returning traded_on
