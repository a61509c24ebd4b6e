#!/usr/bin/env bash
# demo.sh [IMAGE.tif]: heights, uncertainty and land cover of one orthophoto, through QGIS's own qgis_process.
#
# On a fresh Debian or Ubuntu (root or sudo) it installs QGIS by apt, packages the plugin, creates the light
# backend environment and runs semantic3d:reconstruct. Without IMAGE it renders a town of its own, whose true
# heights and land cover it then compares the result with. Results go to runs/demo.
set -eu -o pipefail
IMAGE=${1:-}
if [ -n "$IMAGE" ]; then  # a relative path counts from where the user stands
    [ -e "$IMAGE" ] || { echo "demo.sh: there is no image $IMAGE (seen from $PWD)" >&2; exit 1; }
    IMAGE=$(realpath "$IMAGE")
fi
cd "$(dirname "$0")/.."
ROOT=$PWD
. scripts/system_packages.sh
OUT=$ROOT/runs/demo
STARTED=$(date +%s)

install_missing
QGIS_PROCESS=$(find_qgis_process)

say "Packaging the plugin, and unpacking it for a QGIS profile of the demo's own"
mkdir -p "$OUT"
rm -rf "$OUT/plugins" "$OUT/profile" "$OUT"/semantic3d_plugin-*.zip
mkdir -p "$OUT/plugins" "$OUT/profile"
PATH=$CLEAN_PATH /usr/bin/python3 scripts/package.py --out "$OUT"
/usr/bin/python3 -m zipfile -e "$OUT"/semantic3d_plugin-*.zip "$OUT/plugins"

qgis() {
    env PATH=$CLEAN_PATH QT_QPA_PLATFORM=offscreen QGIS_PLUGINPATH="$OUT/plugins" \
        QGIS_CUSTOM_CONFIG_PATH="$OUT/profile" PYTHONWARNINGS=ignore "$QGIS_PROCESS" "$@" </dev/null
}
result_of() { sed -n "s/^$1:[[:space:]]*//p" "$2" | tail -1; }

qgis plugins enable semantic3d_plugin >"$OUT/enable.log" 2>&1 || true
qgis list >"$OUT/list.log" 2>&1 || true
grep -q semantic3d:reconstruct "$OUT/list.log" || { cat "$OUT/enable.log" "$OUT/list.log"; exit 1; }

say "Setting up the light backend environment"
qgis run semantic3d:setup_backend --ACTION=install --PROFILE=light --ACCELERATOR=auto 2>&1 | tee "$OUT/setup.log"
PYTHON=$(result_of PYTHON_PATH "$OUT/setup.log")
backend() { env PATH=$CLEAN_PATH PYTHONPATH="$OUT/plugins/semantic3d_plugin/backend" "$PYTHON" "$@"; }

TRUTH=()
if [ -z "$IMAGE" ]; then
    say "Rendering a town with known heights"
    rm -rf "$OUT/scene"
    backend -m semantic3d.datasets.procedural --out "$OUT/scene"
    IMAGE=$OUT/scene/image.tif
    TRUTH=("$OUT/scene/ndsm.tif" "$OUT/scene/land_cover.tif")
fi

say "Reconstructing $IMAGE"
rm -f "$OUT"/{height,sigma,land_cover}.{tif,qml} "$OUT"/{report.html,quicklook.png}
qgis run semantic3d:reconstruct --INPUT="$IMAGE" --HEIGHT="$OUT/height.tif" --SIGMA="$OUT/sigma.tif" \
    --LAND_COVER="$OUT/land_cover.tif" --REPORT="$OUT/report.html" 2>&1 | tee "$OUT/reconstruct.log"
for name in height sigma land_cover; do [ -s "$OUT/$name.tif" ] || exit 1; done

say "Results, after $(($(date +%s) - STARTED)) s"
backend scripts/demo_summary.py "$IMAGE" "$OUT" "${TRUTH[@]}"
