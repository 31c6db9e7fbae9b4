#!/usr/bin/env bash
# Lint, type-check and test, from nothing. `TESTS="tests/query -k depth" bash tests/run.sh`, or the same as arguments,
# passes through to pytest. PYTHON= chooses the interpreter.
set -euo pipefail
source "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/environment.sh"
cd "$root"

# Two threads a process at most: more only take turns on small machines, and timings stay comparable on large ones.
threads=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
[ "$threads" -le 2 ] || threads=2
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$threads} MKL_NUM_THREADS=${MKL_NUM_THREADS:-$threads}
export OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-$threads} TOKENIZERS_PARALLELISM=false
export OMP_WAIT_POLICY=PASSIVE # threads that spin while they wait slow everything else down

say "ruff"
"$python" -m ruff check .
"$python" -m ruff format --check .
say "mypy"
"$python" -m mypy
say "pytest (quick tests first; $OMP_NUM_THREADS threads)"
# shellcheck disable=SC2086  # TESTS is several words on purpose
exec "$python" -m pytest ${TESTS:-} "$@"
