#!/usr/bin/env bash
# The main job from nothing: fine-tune a small model on the demo graph and ask it questions, in examples/quickstart.ipynb.
# Leaves the executed notebook in out/. PYTHON= chooses the interpreter.
set -euo pipefail
source "$(cd "$(dirname "${BASH_SOURCE[0]}")/../tests" && pwd)/environment.sh"

say "executing examples/quickstart.ipynb: the first time, the backbone is downloaded (93 MB) and converted once"
exec "$python" "$root/examples/execute.py" "$root/examples/quickstart.ipynb" "$root/out"
