"""Clocks that jump: a laptop that slept for hours, a wall clock set back by years, a clock that stands still."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace

import pytest

from semantic3d_plugin.backend.s3d_protocol import JobControl, errors
from semantic3d_plugin.runtime import process, runner
from semantic3d_plugin.runtime.progress import progress_text

from .conftest import QUICK, Feedback

HOURS_S, YEARS_S = 7 * 3600.0, 20 * 365.25 * 86400.0


@pytest.fixture
def clock(monkeypatch):
    """The runner's clock, which goes on only when the test says so."""
    turned = SimpleNamespace(now_s=1000.0)
    turned.monotonic, turned.sleep = (lambda: turned.now_s), time.sleep
    for module in (runner, process):
        monkeypatch.setattr(module, "time", turned)
    return turned


@pytest.fixture
def own_end(monkeypatch):
    """The end of a process is waited for on the true clock; the other one stands still meanwhile."""
    kill = process.BackendProcess.kill

    def killing(self):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(process, "time", time)
            return kill(self)

    monkeypatch.setattr(process.BackendProcess, "kill", killing)


@pytest.mark.parametrize("when", ["before hello", "in the work", "after the result"])
def test_hours_of_sleep_are_no_silence(fake, run, tmp_path, clock, own_end, when):
    """Nothing came in for hours, and the next look is before the next message."""
    script = fake(f"""
        def sleep():
            note("asleep", 1)
            while not os.path.exists(os.path.join(os.path.dirname(__file__), "awake")):
                time.sleep(0.01)

        if {when!r} == "before hello":
            sleep()
        hello()
        if {when!r} == "in the work":
            say(type="alive")
            sleep()
        say(type="result", values={{"a": 1}})
        if {when!r} == "after the result":
            sleep()
    """)
    looks = []

    def pump():
        if (tmp_path / "asleep").exists():
            looks.append(clock.now_s)
            if len(looks) == 3:
                clock.now_s += HOURS_S
            if len(looks) == 6:
                (tmp_path / "awake").touch()

    assert run(script, pump=pump) == {"a": 1}
    assert looks[-1] - looks[0] == HOURS_S


def test_silence_after_the_sleep_is_still_noticed(fake, run, clock, own_end, tmp_path):
    steps = []

    def pump():
        if (tmp_path / "asleep").exists():
            clock.now_s += HOURS_S if not steps else 1.0
            steps.append(clock.now_s)

    with pytest.raises(errors.BackendHung, match="no sign of life for 30 s"):
        run(fake("hello(); note('asleep', 1); time.sleep(60)"), pump=pump)
    assert len(steps) == QUICK.silence_s + 2  # the sleep does not count, all after it does


def test_a_wall_clock_that_is_set_back_by_years_ends_no_job(fake, run, monkeypatch):
    seen, true_time = [], time.time
    monkeypatch.setattr(time, "time", lambda: true_time() - (YEARS_S if seen else 0.0))
    script = fake("""
        hello()
        say(type="progress", done=1, total=2, unit="tiles")
        time.sleep(0.1)
        say(type="result", values={"a": 1})
    """)
    assert run(script, Feedback(), on_progress=seen.append) == {"a": 1}
    assert true_time() - time.time() > YEARS_S - 10.0


@pytest.mark.parametrize(
    "ticks",
    [
        [0, 0, 0, 0, 0],  # stands still
        [0, 10, -5, -5, -4],  # is set back below the start
        [0, 10, 4, 5, 6],  # is set back, but not below it
        [0, 10, HOURS_S, HOURS_S + 1, HOURS_S + 2],  # slept
        [0, 10, -YEARS_S, -YEARS_S + 1, 20],  # was wrong for a while
    ],
)
def test_rate_and_time_left_stay_sane(ticks):
    times_s = iter([100.0, *(100.0 + tick for tick in ticks)])
    control, sent = JobControl(clock=lambda: next(times_s)), []
    control.send_progress = sent.append
    for done in range(5):
        control.progress(done, 4, "tiles", megapixels=done * 0.5)
    assert len(sent) == 5
    for message in sent:
        for name in ("seconds_left", "megapixels_per_s"):
            assert message[name] is None or (message[name] >= 0 and math.isfinite(message[name]))
        assert " -" not in progress_text(message) and "inf" not in progress_text(message)
