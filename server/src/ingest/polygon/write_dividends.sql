-- Rows: dividends of one answer that differ from the latest known version of their symbol, day and vendor's id.
-- A dividend whose id is new, but which is known under an id that this answer doesn't hold, with the same amount, is the
-- same one: the vendor's two paths name it differently, and it must not be credited twice.
insert into raw.dividend (symbol, ex_dividend_date, vendor_id, declaration_date, record_date, pay_date, cash_amount, currency,
                          distribution_type, frequency, response_id)
with answer as (
    select *
    from unnest($1::text[], $2::date[], $3::text[], $4::date[], $5::date[], $6::date[], $7::numeric[], $8::text[], $9::text[], $10::int[])
        as row (symbol, ex_dividend_date, vendor_id, declaration_date, record_date, pay_date, cash_amount, currency, distribution_type, frequency)
)
select answer.symbol, answer.ex_dividend_date, answer.vendor_id, answer.declaration_date, answer.record_date, answer.pay_date,
       answer.cash_amount, answer.currency, answer.distribution_type, answer.frequency, $11
from answer
left join lateral (
    select declaration_date, record_date, pay_date, cash_amount, currency
    from raw.dividend
    where dividend.symbol = answer.symbol and dividend.ex_dividend_date = answer.ex_dividend_date and dividend.vendor_id = answer.vendor_id
    order by response_id desc
    limit 1
) as known on true
where (known.declaration_date, known.record_date, known.pay_date, known.cash_amount, known.currency)
      is distinct from (answer.declaration_date, answer.record_date, answer.pay_date, answer.cash_amount, answer.currency)
  and (known.cash_amount is not null or not exists (
        select from raw.dividend as other
        where other.symbol = answer.symbol and other.ex_dividend_date = answer.ex_dividend_date
          and other.cash_amount = answer.cash_amount and other.currency = answer.currency
          and not exists (
              select from answer as listed
              where listed.symbol = other.symbol and listed.ex_dividend_date = other.ex_dividend_date and listed.vendor_id = other.vendor_id)))
returning symbol, ex_dividend_date
