"""The process that QGIS starts under the backend's own Python: ``python -u worker.py``.

Only the protocol is imported before the worker has said hello, so that a broken environment
becomes a message and not a traceback.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import sys

from s3d_protocol import Job, JobControl
from s3d_protocol.serving import serve


def run_job(job: Job, control: JobControl) -> dict:
    """Run the job in the module of its name."""
    return importlib.import_module(f"semantic3d.jobs.{job.kind}").run(job, control)


def main() -> None:
    faulthandler.enable()  # a crash in native code leaves a trace on standard error
    exit_code = serve(run_job)
    sys.stderr.flush()
    os._exit(exit_code)


if __name__ == "__main__":
    main()
