"""A clock that was wrong, or is set right while a job works: nothing here may depend on the time of day."""

import os
import time
from pathlib import Path

import pytest
from block_scene import BLOCKS, Watch, acting, contents, job_for, write_image

from s3d_protocol import Cancelled, JobControl
from semantic3d.jobs.reconstruct import run

pytestmark = pytest.mark.usefixtures("small_blocks")
YEARS_S = 20 * 365.25 * 86400.0


@pytest.mark.parametrize("years_s", [YEARS_S, -YEARS_S])
def test_a_job_continues_with_files_from_the_future_or_long_ago(tmp_path, package, years_s):
    image, folder, then_s = write_image(tmp_path / "image.tif"), tmp_path / "out", time.time() + years_s
    os.utime(image, (then_s, then_s))
    job, control = job_for(image, package, folder), Watch()
    with acting({7: control.cancel}), pytest.raises(Cancelled):
        run(job, control)
    (work,) = Path(folder).glob(".semantic3d-*")
    for path in [*work.rglob("*"), work]:
        os.utime(path, (then_s, then_s))
    control = Watch()
    run(job, control)
    assert f"Continuing: 7 of {BLOCKS} blocks are there." in control.logs
    assert not list(Path(folder).glob(".semantic3d-*"))


@pytest.mark.parametrize("years_s", [YEARS_S, -YEARS_S])
def test_a_clock_that_jumps_changes_neither_bytes_nor_progress(tmp_path, package, monkeypatch, years_s):
    image, jumped, true_time = write_image(tmp_path / "image.tif"), [], time.time
    run(job_for(image, package, tmp_path / "a"), JobControl())
    monkeypatch.setattr(time, "time", lambda: true_time() + sum(jumped))
    control = Watch()
    with acting({7: lambda: jumped.append(years_s)}):
        values = run(job_for(image, package, tmp_path / "b"), control)
    assert contents(tmp_path / "b") == contents(tmp_path / "a")
    assert 0 <= values["seconds"] < YEARS_S / 2
    for message in control.messages:
        assert message["seconds_left"] is None or 0 <= message["seconds_left"] < YEARS_S / 2
