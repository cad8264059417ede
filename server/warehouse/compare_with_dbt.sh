#!/bin/sh
# Does real dbt build the same tables, and say the same of every test? Takes a published database by PGHOST, PGPORT, PGUSER, PGPASSWORD
# and PGDATABASE; copies what stands in it, lets dbt build and test into the same schemas, from nothing and as an increment, and compares
# row by row each time. One line for each relation. DBT names the program (default: dbt). `make dbt` does all of it.
#
# With FIXTURE and OURS two more: FIXTURE is a dbt project over this one, whose tables `plumbline models build` left in its schemas, built
# twice; OURS is a folder with what `plumbline models test --json` said: verdicts.json, and fixture.json of the fixture.
set -eu
cd "$(dirname "$0")"
here=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
different=0

run() { psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 "$@"; }

# In a folder of its own: dbt writes beside the project. Failing tests are compared later, so they don't end this here.
dbt_in() { # PROJECT COMMAND...
    project=$1
    shift
    (cd "$project" && DBT_SEND_ANONYMOUS_USAGE_STATS=false "${DBT:-dbt}" --quiet --no-use-colors "$@" --profiles-dir . --project-dir .)
}

relations_in() { # 'schema', 'schema'
    run -c "select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname in ($1) and c.relkind in ('r', 'v') order by 1"
}

keep() { # RELATIONS: copies them beside
    for relation in $1; do
        run -c "set client_min_messages = warning; create schema if not exists ours_${relation%%.*}"
        run -c "create table ours_$relation as table $relation"
    done
}

compare() { # RELATIONS WHEN
    for relation in $1; do
        set -- "$1" "$2" $(run -c "select (select count(*) from (table ours_$relation except all table $relation) as ours) || ' ' ||
                                          (select count(*) from (table $relation except all table ours_$relation) as theirs) || ' ' ||
                                          (select count(*) from $relation)")
        echo "$relation: $5 rows, $3 only ours, $4 only dbt's ($2)"
        [ "$3 $4" = "0 0" ] || different=1
    done
}

forget() { # RELATIONS
    for schema in $(for relation in $1; do echo "${relation%%.*}"; done | sort -u); do
        run -c "set client_min_messages = warning; drop schema if exists ours_$schema cascade"
    done
}

# The fixture first: dbt drops what stands on the marts when it builds them anew.
schemas="'own_fixture', 'own_fixture_base', 'own_fixture_more'"
if [ -n "${FIXTURE:-}" ]; then
    fixture=$(relations_in "$schemas")
    forget "$fixture"
    keep "$fixture"
    run -c "set client_min_messages = warning; drop schema own_fixture, own_fixture_base, own_fixture_more cascade"
fi

relations=$(relations_in "'staging', 'marts'")
[ -n "$relations" ] || { echo "Nothing was published in this database yet: run the pipeline first." >&2; exit 1; }
forget "$relations"
keep "$relations"
mkdir -p "$scratch/tests/fixtures"
cp -R "$here" "$scratch/warehouse"

dbt_in "$scratch/warehouse" build --full-refresh
compare "$relations" "from nothing"
# Once more, as an increment of the last sessions on what stands.
from=$(run -c "select session_date from (select distinct session_date from ledger.session order by 1 desc limit 3) as last order by 1 limit 1")
run -c "delete from ledger.changed; insert into ledger.changed select portfolio_id, '$from' from ledger.state"
dbt_in "$scratch/warehouse" build
compare "$relations" "an increment from $from"
if [ -n "${OURS:-}" ]; then
    dbt_in "$scratch/warehouse" test || true
    python3 compare_verdicts.py "$OURS/verdicts.json" "$scratch/warehouse/target/run_results.json" || different=1
fi
forget "$relations"

if [ -n "${FIXTURE:-}" ]; then
    cp -R "$FIXTURE" "$scratch/tests/fixtures/dbt_project"
    project=$scratch/tests/fixtures/dbt_project
    dbt_in "$project" deps
    dbt_in "$project" build --select package:fixture --exclude tag:broken tag:second
    dbt_in "$project" build --select package:fixture --exclude tag:broken
    [ "$fixture" = "$(relations_in "$schemas")" ] || { echo "The fixture has other relations than with dbt." >&2; different=1; }
    compare "$fixture" "the fixture, built twice"
    dbt_in "$project" test --select package:fixture >/dev/null || true
    python3 compare_verdicts.py "$OURS/fixture.json" "$project/target/run_results.json" || different=1
    forget "$fixture"
fi
exit $different
