"""A backend for the training form's tests: makes an empty package and a report that holds the job and its outlines.

A base called "slow..." waits for cancel.
"""

import json
import os
import sys
import time


def say(**message):
    print(json.dumps(message), flush=True)


def main():
    say(type="hello", protocol=1, version="0.0.0", pid=os.getpid())
    order = json.loads(sys.stdin.readline())
    job = order["job"]
    if os.path.basename(job["base_path"]).startswith("slow"):
        say(type="progress", done=1, total=1000, unit="steps", text="loss 1.0")
        while json.loads(sys.stdin.readline() or '{"type": "cancel"}')["type"] != "cancel":
            time.sleep(0.01)
        say(type="error", code="cancelled", message="Cancelled.", details={})
        return 3
    os.makedirs(job["package_path"])
    outlines = None
    if job["buildings_path"]:
        with open(job["buildings_path"], encoding="utf-8") as stream:
            outlines = json.load(stream)
    if job["report_path"]:
        with open(job["report_path"], "w", encoding="utf-8") as report:
            json.dump({"kind": order["kind"], "job": job, "outlines": outlines}, report)
    outputs = {"package": job["package_path"], "report": job["report_path"]}
    say(type="result", values={
        "validation_mae_m": 1.5, "validation_rmse_m": 2.5, "building_iou": None, "accuracy": 0.5, "steps_done": 7,
        "best_step": 6, "seconds": 0.5, "outputs": {name: path for name, path in outputs.items() if path},
    })  # fmt: skip
    return 0


sys.exit(main())
