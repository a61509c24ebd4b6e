"""A backend for the plugin's tests: answers like the real one, computes nothing.

The model path orders its behaviour: a file "slow..." waits for cancel, "refuse..." reports an error,
"heights..." gives no output that is optional but heights.
"""

import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def say(**message):
    print(json.dumps(message), flush=True)


def main():
    say(type="hello", protocol=1, version="0.0.0", pid=os.getpid())
    order = json.loads(sys.stdin.readline())
    job = order["job"]
    behaviour = os.path.basename(job.get("model_path", ""))
    if behaviour.startswith("refuse"):
        say(type="error", code="invalid_model", message="The model is refused. Choose another.", details={})
        return 1
    if behaviour.startswith("slow"):
        say(type="progress", done=1, total=1000, unit="tiles")
        while json.loads(sys.stdin.readline() or '{"type": "cancel"}')["type"] != "cancel":
            time.sleep(0.01)
        say(type="error", code="cancelled", message="Cancelled.", details={})
        return 3
    say(type="progress", done=1, total=2, unit="tiles", megapixels=0.1, megapixels_per_s=0.5, seconds_left=1.0)
    say(type="log", level="warning", text="A warning.")
    if behaviour.startswith("heights"):
        job.update({f"{name}_path": "" for name in job["optional_outputs"] if name != "height"})
    say(type="result", values=(write_evaluation if order["kind"] == "evaluate" else write_results)(job))
    return 0


def write_results(job):
    import scene
    from osgeo import gdal

    image = gdal.Open(job["image_path"])
    geotransform = image.GetGeoTransform()
    crs = image.GetSpatialRef()
    epsg = int(crs.GetAuthorityCode(None)) if crs is not None else None
    where = {"origin": (geotransform[0], geotransform[3]), "gsd": geotransform[1], "epsg": epsg}
    writers = {
        "height_path": scene.write_height,
        "sigma_path": scene.write_sigma,
        "land_cover_path": scene.write_land_cover,
        "probabilities_path": scene.write_sigma,
    }
    for name, write in writers.items():
        if job[name]:
            write(job[name] + ".part", **where)
            os.replace(job[name] + ".part", job[name])  # as the backend publishes: who reads the old file goes on
    if job["report_path"]:
        with open(job["report_path"], "w", encoding="utf-8") as report:
            json.dump({"job": job, "size": [image.RasterXSize, image.RasterYSize]}, report)
    names = ("height", "sigma", "land_cover", "probabilities", "report")
    return {
        "mean_height_m": 1.25, "megapixels": 0.0024, "seconds": 0.5, "device": "cpu", "warnings": ["A warning."],
        "outputs": {name: job[f"{name}_path"] for name in names if job[f"{name}_path"]},
    }


def write_evaluation(job):
    import scene

    if job["error_path"]:
        scene.write_height(job["error_path"])
    for name in ("report_path", "figures_path", "table_path"):
        if job[name]:
            with open(job[name], "w", encoding="utf-8") as text:
                json.dump(job, text)
    names = ("report", "figures", "table", "error")
    return {
        "mae_m": 0.5, "building_iou": 0.25, "uecc": None, "pixels": 7, "seconds": 0.5, "f1_05m": 0.75,
        "outputs": {name: job[f"{name}_path"] for name in names if job[f"{name}_path"]},
    }


sys.exit(main())
