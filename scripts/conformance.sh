#!/usr/bin/env bash
# The vendors' official Python clients, unchanged, against the simulator: the made market, and real history where it is.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$HOME/.cache/plumbline/venv-conformance
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
if ! cmp -s conformance/requirements.txt "$venv/.plumbline-requirements"; then
  scripts/step.sh "Installing the vendors' clients" "$venv/bin/pip" install --quiet --disable-pip-version-check -r conformance/requirements.txt
  cp conformance/requirements.txt "$venv/.plumbline-requirements"
fi
history=../shared/data/us-2014
replay=()
if [ -d "$history" ]; then replay=(--replay "$history"); else echo "$history isn't here: the made market alone is read."; fi
exec "$venv/bin/python" conformance/check.py ${replay[@]+"${replay[@]}"}
