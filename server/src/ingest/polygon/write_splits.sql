-- Rows: splits of one answer that differ from the latest known version of their symbol and day.
insert into raw.split (symbol, execution_date, split_from, split_to, vendor_id, response_id)
select answer.symbol, answer.execution_date, answer.split_from, answer.split_to, answer.vendor_id, $6
from unnest($1::text[], $2::date[], $3::numeric[], $4::numeric[], $5::text[])
    as answer (symbol, execution_date, split_from, split_to, vendor_id)
left join lateral (
    select split_from, split_to
    from raw.split
    where split.symbol = answer.symbol and split.execution_date = answer.execution_date
    order by response_id desc
    limit 1
) as known on true
where (known.split_from, known.split_to) is distinct from (answer.split_from, answer.split_to)
returning symbol, execution_date
