#!/usr/bin/env bash
# The vendors' official Python clients, unchanged, against the simulator (the made market, and real history where it is); and our
# measures beside numpy's, empyrical's, quantstats' and pyxirr's, and the ledger beside a second one.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$HOME/.cache/plumbline/venv-conformance
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
wanted=$(cat conformance/requirements*.txt)
if [ "$wanted" != "$(cat "$venv/.plumbline-requirements" 2>/dev/null)" ]; then
  scripts/step.sh "Installing the vendors' clients and the libraries to compare with" "$venv/bin/pip" install --quiet --disable-pip-version-check \
    -r conformance/requirements.txt -r conformance/requirements-measures.txt
  echo "$wanted" > "$venv/.plumbline-requirements"
fi
"$venv/bin/python" conformance/measures.py
"$venv/bin/python" conformance/ledger.py
history=../shared/data/us-2014
replay=()
if [ -d "$history" ]; then replay=(--replay "$history"); else echo "$history isn't here: the made market alone is read."; fi
exec "$venv/bin/python" conformance/check.py ${replay[@]+"${replay[@]}"}
