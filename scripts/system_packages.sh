# Sourced by demo.sh and test.sh: what comes from apt on Debian and Ubuntu, asked for only where it is missing.

# QGIS breaks when another Python stands first on the PATH.
CLEAN_PATH=/usr/sbin:/usr/bin:/sbin:/bin

say() { printf '\n== %s\n' "$*"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; return; fi
    command -v sudo >/dev/null || { echo "Please run as root, or install sudo: needed for $*" >&2; return 1; }
    sudo --preserve-env=DEBIAN_FRONTEND "$@"
}

# has_package NAME: whether apt knows the package.
has_package() { apt-cache show "$1" >/dev/null 2>&1; }

retry() {
    local n
    for n in 1 2 3; do "$@" && return 0; echo "try $n of 3 failed: $*" >&2; sleep $((n * 5)); done
    return 1
}

find_qgis_process() {
    local name
    for name in qgis_process.bin qgis_process; do
        PATH=$CLEAN_PATH command -v "$name" 2>/dev/null && return 0
    done
    return 1
}

find_qt_tool() {
    local folder
    for folder in /usr/lib/qt5/bin /usr/lib/qt6/bin /usr/lib/qt6/libexec; do
        [ -x "$folder/$1" ] && return 0
    done
    return 1
}

# install_missing [PYTHON_MODULE...]: QGIS, Qt's compilers, venv, and these modules of the system's Python.
install_missing() {
    local wanted=() module
    find_qgis_process >/dev/null || wanted+=(qgis python3-qgis)
    /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3-venv)
    find_qt_tool lrelease || wanted+=("$(first_known qttools5-dev-tools qt6-l10n-tools)")
    find_qt_tool rcc || wanted+=("$(first_known qtbase5-dev-tools qt6-base-dev-tools)")
    for module in "$@"; do
        /usr/bin/python3 -c "import $module" 2>/dev/null || wanted+=("python3-$(echo "$module" | tr 'A-Z' 'a-z')")
    done
    [ ${#wanted[@]} = 0 ] && return 0
    command -v apt-get >/dev/null || {
        echo "This script installs by apt. Without it please install: ${wanted[*]}" >&2
        return 1
    }
    say "Installing ${wanted[*]} by apt"
    export DEBIAN_FRONTEND=noninteractive
    retry as_root apt-get update -q
    mapfile -t wanted < <(resolve_names "${wanted[@]}")
    retry as_root apt-get install -y -q --no-install-recommends "${wanted[@]}"
}

# Names are chosen after `apt-get update`: a fresh machine knows no packages before.
first_known() { echo "$1|$2"; }
resolve_names() {
    local entry
    for entry in "$@"; do
        case $entry in
            *"|"*) if has_package "${entry%%|*}"; then echo "${entry%%|*}"; else echo "${entry##*|}"; fi ;;
            *) echo "$entry" ;;
        esac
    done
}
