"""Progress: rates and times from a clock that the test turns, and their words."""

from __future__ import annotations

import pytest

from semantic3d_plugin.backend.s3d_protocol import Cancelled, JobControl
from semantic3d_plugin.runtime.progress import progress_percent, progress_text, time_text


class Recorder(JobControl):
    def __init__(self):
        self.now_s = 100.0
        self.sent: list[dict] = []
        super().__init__("0f", clock=lambda: self.now_s)

    def send_progress(self, message):
        self.sent.append(message)


def test_rate_and_time_left_count_from_the_first_call():
    control = Recorder()
    control.now_s = 160.0  # a minute for loading the model
    control.progress(0, 10)
    control.now_s = 164.0
    control.progress(2, 10, megapixels=6.0)
    first, second = control.sent
    assert first["megapixels_per_s"] is None and first["seconds_left"] is None
    assert second["megapixels_per_s"] == pytest.approx(1.5)  # 6 MP in 4 s
    assert second["seconds_left"] == pytest.approx(16.0)  # 2 s each, 8 to go


def test_a_new_unit_starts_the_clock_again():
    control = Recorder()
    control.progress(0, 2)
    control.now_s += 50.0
    control.progress(0, 4, unit="files")
    control.now_s += 3.0
    control.progress(1, 4, unit="files")
    assert control.sent[-1]["seconds_left"] == pytest.approx(9.0)


def test_cancel():
    control = JobControl()
    control.check_cancelled()
    control.cancel()
    with pytest.raises(Cancelled):
        control.check_cancelled()


def test_a_log_level_must_be_known():
    with pytest.raises(ValueError, match="'fatal'"):
        JobControl().log("x", "fatal")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"done": 12, "total": 120, "unit": "tiles", "megapixels_per_s": 0.82, "seconds_left": 130.0},
         "12 of 120 tiles · 0.82 MP/s · 2 min left"),
        ({"done": 12, "total": 120, "unit": "tiles", "megapixels_per_s": 41.7, "seconds_left": 3.4, "text": "Heights"},
         "Heights · 12 of 120 tiles · 42 MP/s · 3 s left"),
        ({"done": 0, "total": 3, "unit": "files", "megapixels_per_s": None, "seconds_left": None}, "0 of 3 files"),
        ({"done": 3, "total": 3, "unit": "tiles", "megapixels_per_s": 1.0, "seconds_left": 0.0},
         "3 of 3 tiles · 1 MP/s"),
        ({}, "? of ? steps"),
    ],
)  # fmt: skip
def test_progress_in_words(message, text):
    assert progress_text(message) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (-3, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3540, "59 min"),
        (3590, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_time_in_words(seconds, text):
    assert time_text(seconds) == text


@pytest.mark.parametrize(
    ("done", "total", "percent"),
    [(1, 4, 25.0), (5, 4, 100.0), (-1, 4, 0.0), (1, 0, 0.0), (None, 3, 0.0), ("1", 2, 0.0)],
)
def test_percent_stays_within_its_range(done, total, percent):
    assert progress_percent({"done": done, "total": total}) == percent
