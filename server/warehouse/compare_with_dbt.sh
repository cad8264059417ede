#!/bin/sh
# Does real dbt build the same tables? Takes a published database by PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE; copies what
# stands in it, lets dbt build and test into the same schemas, and compares row by row. DBT names the program (default: dbt).
#   python3 -m venv ~/.cache/plumbline/venv-dbt && ~/.cache/plumbline/venv-dbt/bin/pip install 'dbt-core==1.11.*' 'dbt-postgres==1.11.*'
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

run() { psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 "$@"; }

relations=$(run -c "select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    where n.nspname in ('staging', 'marts') and c.relkind in ('r', 'v') order by 1")
[ -n "$relations" ] || { echo "Nothing was published in this database yet: run the pipeline first." >&2; exit 1; }
run -c "drop schema if exists ours_staging, ours_marts cascade; create schema ours_staging; create schema ours_marts"
for relation in $relations; do
    run -c "create table ours_$relation as table $relation"
done

"${DBT:-dbt}" build --quiet --profiles-dir . --project-dir . --target-path "$scratch/target" --log-path "$scratch/logs" --full-refresh
# Once more, as an increment on what stands.
"${DBT:-dbt}" build --quiet --profiles-dir . --project-dir . --target-path "$scratch/target" --log-path "$scratch/logs"

different=0
for relation in $relations; do
    counts=$(run -c "select (select count(*) from (table ours_$relation except all table $relation) as ours) || ' ' ||
                            (select count(*) from (table $relation except all table ours_$relation) as theirs) || ' ' ||
                            (select count(*) from $relation)")
    set -- $counts
    echo "$relation: $3 rows, $1 only ours, $2 only dbt's"
    [ "$1 $2" = "0 0" ] || different=1
done
run -c "drop schema ours_staging, ours_marts cascade"
exit $different
