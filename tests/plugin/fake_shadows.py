"""A backend for the shadow form's tests: writes a plain mask and answers like the real one, with the job in its log."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def say(**message):
    print(json.dumps(message), flush=True)


def main():
    import numpy
    import scene
    from osgeo import gdal

    say(type="hello", protocol=1, version="0.0.0", pid=os.getpid())
    job = json.loads(sys.stdin.readline())["job"]
    say(type="log", level="info", text="JOB " + json.dumps(job))
    mask = numpy.zeros((1, scene.HEIGHT, scene.WIDTH), "uint8")
    mask[:, 10:25, 10:20] = 1
    scene.write(job["shadow_path"], mask, gdal.GDT_Byte, 255)
    tag = json.dumps([[0, "lit", "#fff3c4"], [1, "shadow", "#2b2d6e"]])
    gdal.Open(job["shadow_path"], gdal.GA_Update).SetMetadataItem("SEMANTIC3D_CLASSES", tag)
    say(type="result", values={
        "shadow_share": 0.0625, "threshold": 0.75, "megapixels": 0.0024, "seconds": 0.5, "warnings": [],
        "outputs": {"shadow": job["shadow_path"]},
    })  # fmt: skip
    return 0


sys.exit(main())
