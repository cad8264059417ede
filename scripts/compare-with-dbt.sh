#!/usr/bin/env bash
# compare-with-dbt.sh DBT: fills the throw-away database of DATABASE_URL, and compares what stands in it with what DBT makes of it.
set -euo pipefail
cd "$(dirname "$0")/.."
plumbline=$PWD/${CARGO_TARGET_DIR:-target}/debug/plumbline
fixture=$PWD/server/tests/fixtures/dbt_project
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[[ $DATABASE_URL =~ ^postgres://([^@]+)@([^:]+):([0-9]+)/(.+)$ ]] || { echo "DATABASE_URL isn't that of a throw-away Postgres." >&2; exit 1; }
export PGUSER=${BASH_REMATCH[1]} PGHOST=${BASH_REMATCH[2]} PGPORT=${BASH_REMATCH[3]} PGDATABASE=${BASH_REMATCH[4]}
PLUMBLINE_SECRET_KEY=$(printf '07%.0s' {1..32})
export PLUMBLINE_SECRET_KEY PLUMBLINE_DATA=$folder/data PLUMBLINE_LOG=warn

# Two publications, so that the second one is an increment.
cd "$folder"
"$plumbline" run daily --session 2026-11-19 --now 2026-11-19T23:00:00Z
"$plumbline" run daily --session 2026-11-20 --now 2026-11-20T23:00:00Z
"$plumbline" models test --json >verdicts.json || true
export PLUMBLINE_MODELS=$fixture
"$plumbline" models build --select package:fixture --exclude tag:broken tag:second --full-refresh
"$plumbline" models build --select package:fixture --exclude tag:broken
"$plumbline" models test --select package:fixture --json >fixture.json || true
DBT=$1 FIXTURE=$fixture OURS=$folder "$OLDPWD/server/warehouse/compare_with_dbt.sh"
