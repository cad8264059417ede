{#
    Joins the last close at or before a day: `<alias>.close`, `<alias>.session_date`, null where there is none. Two steps, because
    the last two weeks answer nearly always, and everything before them costs a hundred times as much to read.
    Days end at midnight UTC here: a bar is stamped 04:00 or 05:00 UTC of its own session, so none is near it.
#}
{% macro last_close(alias, symbol, day) -%}
left join lateral (
        select prices.close, prices.session_date
        from {{ ref('prices') }} as prices
        where
            prices.symbol = {{ symbol }}
            and prices."timestamp" >= ({{ day }} - 14)::timestamp at time zone 'UTC'
            and prices."timestamp" < ({{ day }} + 1)::timestamp at time zone 'UTC'
        order by prices."timestamp" desc
        limit 1
    ) as {{ alias }}_recent on true
    left join lateral (
        select prices.close, prices.session_date
        from {{ ref('prices') }} as prices
        where
            {{ alias }}_recent.session_date is null
            and prices.symbol = {{ symbol }}
            and prices."timestamp" < ({{ day }} - 14)::timestamp at time zone 'UTC'
        order by prices."timestamp" desc
        limit 1
    ) as {{ alias }}_older on true
    left join lateral (
        select
            coalesce({{ alias }}_recent.close, {{ alias }}_older.close) as close,
            coalesce({{ alias }}_recent.session_date, {{ alias }}_older.session_date) as session_date
    ) as {{ alias }} on true
{%- endmacro %}
