#!/usr/bin/env bash
# step.sh TITLE COMMAND...: says what begins, runs it, says how long it took. Its exit code is the command's.
set -euo pipefail
title=$1
shift
echo "==> $title"
began=$SECONDS
code=0
"$@" || code=$?
if [ "$code" -eq 0 ]; then
  echo "    done in $((SECONDS - began)) s"
else
  echo "    failed after $((SECONDS - began)) s: $*" >&2
fi
exit "$code"
