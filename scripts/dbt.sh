#!/usr/bin/env bash
# Real dbt against our warehouse: a database filled by the pipeline from the simulator, built and tested by dbt, compared row by row and
# verdict by verdict with ours; then the same for a package over it that uses every element of dbt that is understood.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$HOME/.cache/plumbline/venv-dbt
wanted="dbt-core==1.11.* dbt-postgres==1.11.*"
if [ "$(cat "$venv/.plumbline-requirements" 2>/dev/null)" != "$wanted" ]; then
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  # shellcheck disable=SC2086 # two requirements
  scripts/step.sh "Installing dbt" "$venv/bin/pip" install --quiet --disable-pip-version-check $wanted
  echo "$wanted" >"$venv/.plumbline-requirements"
fi
scripts/step.sh "Building the server" cargo build --quiet -p server --bin plumbline
exec scripts/with-postgres.sh scripts/compare-with-dbt.sh "$venv/bin/dbt"
