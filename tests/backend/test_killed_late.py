"""A run that is killed at each of its last renames, those of the finished outputs among them, ends with the same bytes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from test_resume import (  # noqa: F401
    ENVIRONMENT,
    contents_of_files,
    expected,
    image,
    interrupted,
    job_for,
    original,
)

pytestmark = pytest.mark.usefixtures("small_blocks")

# One process with everything imported; each line is the rename before which the next child dies, 0 for none.
FORKING = """
import json, os, signal, sys
import semantic3d.jobs.reconstruct as reconstruct, onnxruntime, rasterio._env, rasterio.warp
from s3d_protocol import JobControl, ReconstructJob
os.fsync = lambda fd: None
job = ReconstructJob.from_dict(json.loads(sys.argv[1]))
rename, done = os.replace, 0

def replace(*paths):
    global done
    done += 1
    if done == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(*paths)

os.replace = replace
for line in sys.stdin:
    deadly = int(line)
    child = os.fork()
    if not child:
        reconstruct.run(job, JobControl())
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL there")
def test_killed_at_each_rename(tmp_path, image, package, expected):  # noqa: F811
    folder, before = tmp_path / "out", tmp_path / "before"
    interrupted(image, package, folder, after=28)
    folder.rename(before)
    (tmp_path / "killed.py").write_text(FORKING)
    words = [sys.executable, str(tmp_path / "killed.py"), json.dumps(job_for(image, package, str(folder)).to_dict())]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    halves = 0
    with subprocess.Popen(words, env=ENVIRONMENT, **pipes) as process:

        def run(deadly):
            process.stdin.write(f"{deadly}\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        for deadly in range(1, 200):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(before, folder)
            if run(deadly) == 0:
                break
            there = set(expected) & set(contents_of_files(folder))
            halves += 0 < len(there) < len(expected)
            assert run(0) == 0
            assert contents_of_files(folder) == expected
            assert not list(folder.glob(".semantic3d-*"))
        process.stdin.close()
    assert deadly > len(expected) and halves == len(expected) - 1  # each time one more output was in its place
