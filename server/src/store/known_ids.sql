-- One row per id of $2 that a portfolio has, in whichever account: of its transactions, deleted ones too, and of its broker's activities.
-- "is true" keeps the list hashed: joined, it would be compared with every row where Postgres believes both to be short.
with first as (
    select coalesce(substr(import_key, 4), 'plumbline:' || md5(transaction_id || ' ' || extract(epoch from entered_at))) as id
    from (select transaction_id, entered_at, case when import_key like 'id:%' then import_key end as import_key
          from book.transaction where portfolio_id = $1 and version = 1) as versions
)
select id as "id!" from first where (id in (select unnest($2::text[]))) is true
union
select activity_id from raw.broker_activity where portfolio_id = $1 and (activity_id in (select unnest($2::text[]))) is true
