-- One row per row of the file that wasn't there yet.
insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, fee, tax,
                              currency, note, source, import_key, entered_by)
select $1, nextval('book.transaction_id'), 1, $2, traded_on, type, symbol, quantity, price, amount, fee, tax, $3, note, 'csv', import_key, $4
from unnest($5::date[], $6::text[], $7::text[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::text[],
            $14::text[]) as row(traded_on, type, symbol, quantity, price, amount, fee, tax, note, import_key)
on conflict (portfolio_id, account_id, import_key) where import_key is not null and version = 1 do nothing
returning traded_on
