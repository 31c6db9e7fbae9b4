#!/usr/bin/env bash
# Lint, type-check and test, from nothing. `TESTS="tests/query -k depth" bash tests/run.sh`, or the same as arguments,
# passes through to pytest. PYTHON= chooses the interpreter.
set -euo pipefail
source "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/environment.sh"
cd "$root"

# Two processes where there are two cores and 12 GiB for them (WORKERS=0: one, which shows what tests print), and two
# threads at most in all: more only take turns on small machines, and timings stay comparable on large ones.
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
free=$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo 2>/dev/null || echo 0)
if [ -z "${WORKERS:-}" ]; then
    WORKERS=0
    [ "$cores" -lt 2 ] || [ "${free:-0}" -lt 12 ] || WORKERS=2
fi
threads=1
[ "$WORKERS" != 0 ] || [ "$cores" -lt 2 ] || threads=2
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$threads} MKL_NUM_THREADS=${MKL_NUM_THREADS:-$threads}
export OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-$threads} TOKENIZERS_PARALLELISM=false
export OMP_WAIT_POLICY=PASSIVE # threads that spin while they wait slow everything else down

say "ruff"
"$python" -m ruff check .
"$python" -m ruff format --check .
say "mypy"
"$python" -m mypy
say "pytest (quick tests first; $WORKERS workers, $OMP_NUM_THREADS threads each)"
# what tests share stays in one process (tests/conftest.py), and their order is kept
# shellcheck disable=SC2086  # TESTS is several words on purpose
exec "$python" -m pytest -n "$WORKERS" --dist loadgroup --no-loadscope-reorder ${TESTS:-} "$@"
