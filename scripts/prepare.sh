#!/usr/bin/env bash
# Writes .sqlx/ from the schema that migrations, the ledger's tables and the models' contract make in DATABASE_URL (a throw-away one).
set -euo pipefail
cd "$(dirname "$0")/.."
export SQLX_OFFLINE=false
sqlx migrate run --source migrations
# What a publication builds doesn't exist after the migrations: the ledger's tables, and what Rust reads of the models'.
psql -q -v ON_ERROR_STOP=1 "$DATABASE_URL" -f server/src/pipeline/ledger/tables.sql -f server/warehouse/contract.sql
cargo sqlx prepare --workspace -- --all-targets
