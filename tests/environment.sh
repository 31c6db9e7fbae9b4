# Sourced by tests/run.sh and examples/demo.sh: makes or reuses the one .venv of this checkout.
# PYTHON=python3.12 chooses the interpreter. While pyproject.toml and constraints.txt stay the same, pip is not called.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
python=$venv/bin/python

say() { printf '== %s\n' "$*"; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# suits PROGRAM NEWEST: it runs (a version manager's shim may not), is 3.11 to NEWEST, and can make environments
suits() {
    "$1" -c "import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $2))" >/dev/null 2>&1
}

# The interpreter for a new .venv: PYTHON, or a tested one (3.11 to 3.13), or any newer one.
interpreter() {
    local name newest
    if [ -n "${PYTHON:-}" ]; then
        suits "$PYTHON" 99 || fail "PYTHON=$PYTHON is not a Python 3.11 or newer that runs here and has the venv module"
        printf '%s\n' "$PYTHON"
        return
    fi
    for newest in 13 99; do
        for name in python3 python3.13 python3.12 python3.11; do
            if suits "$name" "$newest"; then
                printf '%s\n' "$name"
                return
            fi
        done
    done
    fail "no Python 3.11 or newer with the venv module found; install one, or name it: PYTHON=/path/to/python3"
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# has_torch PROGRAM: a PyTorch that this project can use is already there
has_torch() {
    "$1" -c 'import sys, torch; sys.exit(tuple(map(int, torch.__version__.split(".")[:2])) < (2, 6))' >/dev/null 2>&1
}

make_venv() {
    local base flags=()
    if [ -n "${PYTHON:-}" ] || ! version_of "$python" >/dev/null; then
        base=$(interpreter)
        [ "$(version_of "$base")" = "$(version_of "$python")" ] && return
        flags=(--clear)
        if has_torch "$base"; then
            say "Python $(version_of "$base") has PyTorch already; .venv will use it"
            flags+=(--system-site-packages)
        fi
        say "making .venv with Python $(version_of "$base") ($base)"
        "$base" -m venv "${flags[@]}" "$venv" || fail "$base could not make $venv"
    fi
}

# What an installation depends on: metadata and packages in pyproject.toml, the constraints, this folder, this Python.
fingerprint() {
    "$python" - "$root" <<'PY'
import hashlib, json, pathlib, sys, tomllib
root = pathlib.Path(sys.argv[1])
project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
parts = [project["build-system"], project["project"], project["tool"]["setuptools"], sys.version, str(root)]
parts.append((root / "tests/constraints.txt").read_text("utf-8"))
print(hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest())
PY
}

install() {
    local constraints=$root/tests/constraints.txt quiet=-q
    [ -t 1 ] && quiet=
    if ! has_torch "$python"; then
        say "installing PyTorch, once (with its GPU libraries up to 3 GB; minutes)"
        # pip's own configuration may name another PyTorch than the tested one; then that one counts
        "$python" -m pip install $quiet "$(grep '^torch==' "$constraints")" ||
            "$python" -m pip install $quiet 'torch>=2.6' ||
            fail "pip could not install PyTorch; its message is above. Nothing is lost: run this again"
    fi
    say "installing cypher_magic and its dependencies into .venv"
    grep -v '^torch==' "$constraints" >"$venv/constraints.txt"
    "$python" -c 'from importlib.metadata import version; print("torch==" + version("torch"))' >>"$venv/constraints.txt"
    "$python" -m pip install -q -c "$venv/constraints.txt" -e "${root}[test]" ||
        fail "pip could not install the dependencies; its message is above. Nothing is lost: run this again"
}

make_venv
now=$(fingerprint) || fail "pyproject.toml or tests/constraints.txt can not be read"
if [ "$now" = "$(cat "$venv/fingerprint" 2>/dev/null)" ]; then
    say "using .venv (Python $(version_of "$python")), nothing to install"
else
    install
    printf '%s\n' "$now" >"$venv/fingerprint"
fi
