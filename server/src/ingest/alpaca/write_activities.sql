-- Rows: activities of one answer that are new, or whose body differs from the latest known version.
insert into raw.broker_activity (portfolio_id, account_id, activity_id, activity_type, activity_date, transacted_at, symbol, side,
                                 quantity, price, per_share_amount, net_amount, status, description, body, response_id)
select $1, $2, answer.activity_id, answer.activity_type, answer.activity_date, answer.transacted_at, answer.symbol, answer.side,
       answer.quantity, answer.price, answer.per_share_amount, answer.net_amount, answer.status, answer.description, answer.body, $3
from unnest($4::text[], $5::text[], $6::date[], $7::timestamptz[], $8::text[], $9::text[], $10::numeric[], $11::numeric[],
            $12::numeric[], $13::numeric[], $14::text[], $15::text[], $16::jsonb[])
    as answer (activity_id, activity_type, activity_date, transacted_at, symbol, side, quantity, price, per_share_amount, net_amount, status,
               description, body)
left join lateral (
    select body
    from raw.broker_activity
    where portfolio_id = $1 and account_id = $2 and broker_activity.activity_id = answer.activity_id
    order by response_id desc
    limit 1
) as known on true
where known.body is distinct from answer.body
returning activity_date
