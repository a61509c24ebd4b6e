#!/usr/bin/env bash
# test.sh [PYTEST OPTIONS]: set everything up on Debian or Ubuntu (root or sudo) and run all tests.
#
# The backend's tests run in .venv-test with the locked full environment, the plugin's in the system's Python with
# the real QGIS, the end-to-end tests against the packaged ZIP through qgis_process. The last line is
# "N passed, N failed" over all suites; the exit code is 0 only where nothing failed.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
. scripts/system_packages.sh
export CI=${CI:-true} PYTHONDONTWRITEBYTECODE=1
VENV=.venv-test
PYTHON=$VENV/bin/python
LOCKS=semantic3d_plugin/runtime/locks
REPORTS=runs/test
STARTED=$(date +%s)

newest_python() {
    local name
    for name in /usr/bin/python3 python3.12 python3.11 python3.13 python3.10 python3; do
        "$name" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' 2>/dev/null &&
            { echo "$name"; return 0; }
    done
    echo "No Python 3.10 to 3.14 with venv was found." >&2
    return 1
}

install_pins() {
    "$PYTHON" -m pip install -q --no-compile --no-deps --require-hashes --only-binary :all: -r "$1"
}

# The environment is made again when a lock or this list changes.
prepare_venv() {
    local tools=(pytest pytest-xdist hypothesis bandit detect-secrets setuptools) stamp base
    stamp=$(cat "$LOCKS"/full-cpu*.txt scripts/test.sh | sha256sum | cut -d' ' -f1)
    [ "$(cat "$VENV/stamp" 2>/dev/null)" = "$stamp" ] && return 0
    say "Creating $VENV with the locked packages of the full environment"
    base=$(newest_python) || return 1
    rm -rf "$VENV"
    "$base" -m venv "$VENV" || return 1
    if install_pins "$LOCKS/full-cpu-local-builds.txt" 2>/dev/null; then # torch for the CPU alone, from a mirror
        "$PYTHON" -c "from semantic3d_plugin.runtime.lockfiles import Lock
print(Lock('full', 'cpu').text_with_local_builds())" >"$VENV/pins.txt" || return 1
        retry install_pins "$VENV/pins.txt" || return 1
    else
        retry install_pins "$LOCKS/full-cpu.txt" || return 1
        retry install_pins "$LOCKS/full-cpu-torch-cuda.txt" || return 1
    fi
    retry "$PYTHON" -m pip install -q "${tools[@]}" || return 1
    echo "$stamp" >"$VENV/stamp"
}

# suite NAME COMMAND...: run one suite, keep its JUnit report.
suite() {
    local name=$1
    shift
    say "Tests: $name (after $(($(date +%s) - STARTED)) s)"
    "$@" --junitxml="$REPORTS/$name.xml" -o junit_suite_name="$name" </dev/null || true
}

rm -rf "$REPORTS"
mkdir -p "$REPORTS"
SUITES=(backend plugin end_to_end)
if ! { install_missing pytest PyQt6 numpy && prepare_venv && PATH=$CLEAN_PATH /usr/bin/python3 scripts/build_resources.py; }; then
    echo "The set-up failed." >&2
    echo "0 passed, ${#SUITES[@]} failed"
    exit 1
fi

suite backend env OMP_NUM_THREADS=1 "$PYTHON" -m pytest -q -n 2 --dist loadfile tests --ignore=tests/plugin \
    --ignore=tests/end_to_end "$@"
suite plugin env PATH=$CLEAN_PATH QT_QPA_PLATFORM=offscreen \
    /usr/bin/python3 -m pytest -q -p no:cacheprovider tests/plugin "$@"
suite end_to_end "$PYTHON" -m pytest -q tests/end_to_end "$@"

say "All suites, $(($(date +%s) - STARTED)) s"
exec "$PYTHON" scripts/sum_tests.py "$REPORTS" "${SUITES[@]}"
