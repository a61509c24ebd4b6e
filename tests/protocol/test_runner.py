"""The runner against backends that misbehave: each fault becomes one message of the right kind."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from pathlib import Path

import pytest

from semantic3d_plugin.backend.s3d_protocol import TrainJob, errors
from semantic3d_plugin.runtime.runner import run_job

from .conftest import QUICK, Feedback, lives, noted_pid, wait_for

posix = pytest.mark.skipif(os.name == "nt", reason="signals")


def quick(**changes):
    return dataclasses.replace(QUICK, **changes)


def test_a_plain_run_returns_the_values_and_reports_progress(fake, run):
    script = fake("""
        order = hello()
        say(type="alive")
        say(type="progress", done=1, total=4, unit="tiles", megapixels=0.5, megapixels_per_s=0.25, seconds_left=90.0)
        say(type="log", level="warning", text="far outside")
        say(type="something newer", text="skipped")
        say(type="result", values={"kind": order["kind"], "image": order["job"]["image_path"], "id": order["job_id"]})
    """)
    feedback, seen = Feedback(), []
    values = run(script, feedback, on_progress=seen.append)
    assert values["kind"] == "reconstruct" and values["image"] == "scene.tif" and len(values["id"]) == 32
    assert feedback.percents == [25.0]
    assert ("progress", "1 of 4 tiles · 0.25 MP/s · 2 min left") in feedback.lines
    assert ("warning", "far outside") in feedback.lines
    assert [message["done"] for message in seen] == [1]


def test_the_pump_runs_while_waiting(fake, run):
    pumped = []
    run(fake("hello(); time.sleep(0.3); say(type='result', values={})"), pump=lambda: pumped.append(1))
    assert len(pumped) > 5


def test_variables_of_qgis_do_not_reach_the_backend(fake, run, monkeypatch):
    for name in ("PYTHONHOME_X", "PROJ_LIB", "GDAL_DATA", "QGIS_PREFIX_PATH", "LD_LIBRARY_PATH", "GDAL_HTTP_TIMEOUT"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("SEMANTIC3D_HOME", "/kept")
    names = run(fake("hello(); say(type='result', values={'names': sorted(os.environ)})"))["names"]
    assert "SEMANTIC3D_HOME" in names and "PYTHONNOUSERSITE" in names
    assert not {"PYTHONHOME_X", "PROJ_LIB", "GDAL_DATA", "QGIS_PREFIX_PATH", "LD_LIBRARY_PATH"} & set(names)
    assert "GDAL_HTTP_TIMEOUT" in names  # for images in stores


def test_the_parameters_are_checked_before_anything_starts(job):
    wrong = dataclasses.replace(job, overlap_px=-1)
    with pytest.raises(errors.InvalidParameter, match="overlap is -1 pixels"):
        run_job("/no/such/python", "reconstruct", wrong)


@pytest.mark.parametrize("python", ["", "/no/such/python", "/"])
def test_no_python_says_how_to_get_one(job, python):
    with pytest.raises(errors.BackendMissing, match="setup_backend") as caught:
        run_job(python, "reconstruct", job)
    assert python in str(caught.value)


# -- what ends too early ------------------------------------------------------------------------------------


def test_an_exception_is_a_crash_with_its_last_words(fake, run):
    with pytest.raises(errors.BackendCrashed, match=r"exit code 1\).*ValueError: wrong turn") as caught:
        run(fake("hello(); raise ValueError('wrong turn')"))
    assert "ValueError" in caught.value.details["stderr"] and caught.value.details["exit_code"] == 1


def test_a_process_that_ends_before_hello_was_not_ready(fake, run):
    with pytest.raises(errors.BackendCrashed, match="before it was ready.*no module called numpy"):
        run(fake("sys.exit('no module called numpy')"))


@posix
@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("SIGSEGV", errors.BackendCrashed, "crashed .signal SIGSEGV"),
        ("SIGABRT", errors.BackendCrashed, "crashed .signal SIGABRT"),
        ("SIGKILL", errors.OutOfMemory, "killed from outside .signal SIGKILL.*memory limit was 2048 MB"),
    ],
)
def test_a_signal_is_named(fake, run, name, kind, words):
    with pytest.raises(kind, match=words):
        run(fake(f"hello(); os.kill(os.getpid(), signal.{name})"))


def test_a_kill_seen_through_a_shell_is_out_of_memory(fake, run):
    with pytest.raises(errors.OutOfMemory, match="exit code 137, signal SIGKILL"):
        run(fake("hello(); os._exit(137)"))


@pytest.mark.parametrize("words", ["MemoryError", "terminate called after throwing an instance of 'std::bad_alloc'"])
def test_last_words_about_memory_are_out_of_memory(fake, run, words):
    with pytest.raises(errors.OutOfMemory, match="batch size 1"):
        run(fake(f"hello(); print({words!r}, file=sys.stderr); os._exit(1)"))


def test_success_without_a_result_is_none(fake, run):
    with pytest.raises(errors.BackendCrashed, match=r"crashed \(exit code 0\)"):
        run(fake("hello()"))


def test_a_result_with_a_bad_exit_code_is_no_success(fake, run):
    with pytest.raises(errors.BackendCrashed, match="reported its result, but then ended with exit code 1"):
        run(fake("hello(); say(type='result', values={}); sys.exit(1)"))


def test_two_results_are_none(fake, run):
    with pytest.raises(errors.InternalError, match="answered twice"):
        run(fake("hello(); say(type='result', values={'a': 1}); say(type='result', values={'a': 2})"))


def test_an_error_after_a_result_is_no_success(fake, run):
    with pytest.raises(errors.InternalError, match="first with 'result' and then with 'error'"):
        run(fake("hello(); say(type='result', values={}); say(type='error', code='invalid_input', message='no')"))


@pytest.mark.parametrize("values", ["[1]", "None", "'text'"])
def test_a_result_needs_values(fake, run, values):
    with pytest.raises(errors.InternalError, match="without values"):
        run(fake(f"hello(); say(type='result', values={values})"))


def test_outputs_that_the_job_asked_for_come_back(fake, run, job):
    script = fake("job = hello()['job']\nsay(type='result', values={'outputs': {'height': job['height_path']}})")
    assert run(script) == {"outputs": {"height": job.height_path}}


@pytest.mark.parametrize(
    "outputs",
    ["{'height': '/etc/passwd'}", "{'height': job['sigma_path']}", "{'report': 'r.html'}", "{'height': ['h.tif']}",
     "['h.tif']", "None"],
)  # fmt: skip
def test_a_path_that_the_job_did_not_name_is_not_trusted(fake, run, outputs):
    script = fake(f"job = hello()['job']\nsay(type='result', values={{'outputs': {outputs}}})")
    with pytest.raises(errors.InternalError, match="outputs that the job did not ask for"):
        run(script)


def test_a_flood_on_both_streams_neither_fills_the_memory_nor_stops_the_job(fake, run):
    script = fake("""
        import threading
        hello()
        def flood(stream, line):
            for _ in range(30):
                os.write(stream, line * 4000)
        floods = [threading.Thread(target=flood, args=(1, b"noise\\n")), threading.Thread(target=flood, args=(2, b"y" * 5))]
        [thread.start() for thread in floods]; [thread.join() for thread in floods]
        os.write(1, b"\\n")
        say(type="result", values={"a": 1})
    """)
    feedback = Feedback()
    assert run(script, feedback) == {"a": 1}
    assert "printed 120000 line(s)" in feedback.lines[0][1] and len(feedback.lines) == 1


@pytest.mark.parametrize("code", sorted(errors.ERROR_TYPES))
def test_a_reported_error_keeps_its_code_and_text(fake, run, code):
    script = fake(f"hello(); say(type='error', code={code!r}, message='It rains.', details={{'mm': 3}}); sys.exit(1)")
    with pytest.raises(errors.Semantic3DError, match="^It rains.$") as caught:
        run(script)
    assert caught.value.code == code and caught.value.details == {"mm": 3}


# -- other tongues ------------------------------------------------------------------------------------------


def test_another_protocol_names_both_versions(fake, run):
    with pytest.raises(errors.ProtocolMismatch, match=r"version 9.9\) speaks protocol 7, this plugin.*protocol 1"):
        run(fake("hello(protocol=7); time.sleep(60)"))


def test_a_protocol_that_no_file_can_hold_is_told_all_the_same(fake, run):
    with pytest.raises(errors.ProtocolMismatch) as caught:
        run(fake(r"hello(protocol='\ud800' * 500); time.sleep(60)"))
    assert len(str(caught.value).encode("utf-8")) < 1000


def test_a_backend_that_refuses_our_protocol(fake, run):
    with pytest.raises(errors.ProtocolMismatch, match="refused the plugin's protocol 1"):
        run(fake("hello(); sys.exit(2)"))


def test_a_result_without_hello_is_no_backend_of_ours(fake, run):
    with pytest.raises(errors.ProtocolMismatch, match="before it introduced itself"):
        run(fake("say(type='result', values={})"))


GARBAGE = r"b'Loading... \xff\xfe \x00 caf\xe9\n[1, 2]\n{\"type\": 3}\n{\"broken\": \nnull\n'"


@pytest.mark.parametrize(
    "body",
    [
        f"os.write(1, {GARBAGE}); hello(); say(type='result', values={{'a': 1}})",
        f"hello(); os.write(1, {GARBAGE}); say(type='result', values={{'a': 1}})",
        f"hello(); say(type='result', values={{'a': 1}}); os.write(1, {GARBAGE})",
    ],
    ids=["before", "within", "after"],
)
def test_garbage_around_messages_is_one_line_of_information(fake, run, body):
    feedback = Feedback()
    assert run(fake(body), feedback) == {"a": 1}
    assert [level for level, _ in feedback.lines] == ["info"]
    assert "printed 5 line(s) outside of the protocol" in feedback.lines[0][1] and "Loading" in feedback.lines[0][1]


def test_garbage_that_swallows_the_result_is_one_error(fake, run):
    with pytest.raises(errors.BackendCrashed, match=r"1 line\(s\) that are no messages, the first: 'noise\{"):
        run(fake("hello(); os.write(1, b'noise'); say(type='result', values={})"))


def test_a_program_that_is_no_backend(fake, run):
    with pytest.raises(errors.BackendCrashed, match="before it was ready.*'Welcome to the shop'"):
        run(fake("print('Welcome to the shop')"))


def test_huge_lines_are_skipped_and_do_not_fill_the_memory(fake, run):
    script = fake("""
        hello()
        for _ in range(40):
            os.write(1, b"x" * (1 << 20))
        os.write(1, b"\\n")
        os.write(2, b"y" * (1 << 20))
        say(type="log", level="info", text="z" * 2000000)
        say(type="result", values={"text": "w" * 500000})
    """)
    feedback = Feedback()
    assert len(run(script, feedback)["text"]) == 500000
    assert "printed 2 line(s)" in feedback.lines[0][1] and len(feedback.lines) == 1


def test_a_flood_of_messages_arrives_in_order(fake, run):
    feedback = Feedback()
    run(fake("hello()\nfor i in range(5000): say(type='log', text=str(i))\nsay(type='result', values={})"), feedback)
    assert [text for _, text in feedback.lines] == [str(i) for i in range(5000)]


def test_messages_that_are_still_on_their_way_when_the_process_ends_count(fake, run):
    class Slow(Feedback):
        def pushInfo(self, text):
            time.sleep(0.3 if text == "0" else 0)
            super().pushInfo(text)

    feedback = Slow()
    script = fake("hello()\nfor i in range(2000): say(type='log', text=str(i))\nsay(type='result', values={'a': 1})")
    assert run(script, feedback) == {"a": 1}
    assert len(feedback.lines) == 2000


# -- what does not end --------------------------------------------------------------------------------------


def test_no_hello_is_a_hang(fake, run, tmp_path):
    script = fake("note('pid', os.getpid()); print('Starting the engine', file=sys.stderr); time.sleep(60)")
    with pytest.raises(errors.BackendHung, match="did not answer within 0.7 s.*Starting the engine"):
        run(script, limits=quick(hello_s=0.7))
    assert not lives(noted_pid(tmp_path, "pid"))


def test_signs_of_life_are_no_hello(fake, run):
    script = fake("while True: say(type='alive'); time.sleep(0.05)")
    with pytest.raises(errors.BackendHung, match="did not answer"):
        run(script, limits=quick(hello_s=0.7))


def test_silence_after_hello_is_a_hang(fake, run, tmp_path):
    script = fake("note('pid', os.getpid()); hello(); time.sleep(60)")
    with pytest.raises(errors.BackendHung, match="no sign of life for 0.3 s.*smaller EXTENT or the CPU"):
        run(script, limits=quick(silence_s=0.3))
    assert not lives(noted_pid(tmp_path, "pid"))


def test_a_job_without_an_extent_hears_of_none(fake):
    job = TrainJob(("a.tif",), "out", ndsm_paths=("h.tif",))
    with pytest.raises(errors.BackendHung, match="Try again on the CPU") as caught:
        run_job(sys.executable, "train", job, worker_path=fake("hello(); time.sleep(60)"), limits=quick(silence_s=0.3))
    assert "EXTENT" not in caught.value.message


def test_noise_is_no_sign_of_life(fake, run):
    script = fake("hello()\nwhile True: os.write(1, b'tick\\n'); time.sleep(0.05)")
    with pytest.raises(errors.BackendHung, match="no sign of life"):
        run(script, limits=quick(silence_s=0.3))


def test_heartbeats_keep_a_long_job_alive(fake, run):
    script = fake("""
        hello()
        for _ in range(12):
            say(type="alive"); time.sleep(0.1)
        say(type="result", values={"done": True})
    """)
    assert run(script, limits=quick(silence_s=0.8)) == {"done": True}


def test_a_process_that_lingers_after_its_result_is_a_hang(fake, run):
    script = fake("hello(); say(type='result', values={})\nwhile True: say(type='alive'); time.sleep(0.05)")
    with pytest.raises(errors.BackendHung, match="did not end within 0.3 s"):
        run(script, limits=quick(exit_s=0.3))


# -- cancel, and what is left -------------------------------------------------------------------------------


LEAVES = """
    order = hello()
    folder, name = os.path.split(order["job"]["height_path"])
    stem = os.path.join(folder, "." + name[:-4] + "." + order["job_id"] + ".partial")
    for end in (".tif", ".tif.aux.xml", ".tif.ovr", ".qml", ".interim.tif"):
        open(stem + end, "w").close()
    grandchild()
    note("pid", os.getpid())
    note("started", 1)
"""


@posix
@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ("while True: say(type='alive'); time.sleep(0.02)", errors.Cancelled),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)", errors.Cancelled),
        ("os.kill(os.getpid(), signal.SIGKILL)", errors.OutOfMemory),
        ("sys.exit('lost')", errors.BackendCrashed),
    ],
    ids=["deaf", "stubborn", "killed", "crashed"],
)
def test_nothing_is_left_but_the_files_of_others(fake, run, job, tmp_path, ending, kind):
    out = Path(job.height_path).parent
    kept = {"h.tif", ".h.0123.partial.tif", "h.tif.aux.xml"}
    for name in kept:
        (out / name).touch()
    started_s = time.monotonic()
    cancel_when = tmp_path / "started" if kind is errors.Cancelled else None
    with pytest.raises(kind):
        run(fake(LEAVES + "    " + ending), Feedback(cancel_when))
    assert time.monotonic() - started_s < 4
    assert {path.name for path in out.iterdir()} == kept
    assert not lives(noted_pid(tmp_path, "pid"))
    assert wait_for(lambda: not lives(noted_pid(tmp_path, "grandchild")))


@posix
def test_a_child_that_outlives_a_success_is_ended_and_does_not_delay_it(fake, run, tmp_path):
    started_s = time.monotonic()
    assert run(fake("hello(); grandchild(); say(type='result', values={'a': 1})")) == {"a": 1}
    assert time.monotonic() - started_s < 3
    assert wait_for(lambda: not lives(noted_pid(tmp_path, "grandchild")))


@pytest.mark.parametrize("last", ["say(type='result', values={})", "sys.exit(3)", "sys.exit('torn off')"])
def test_cancel_is_said_first_and_whatever_comes_then_is_a_cancel(fake, run, tmp_path, last):
    script = fake(f"""
        hello()
        note("started", 1)
        assert json.loads(sys.stdin.readline()) == {{"type": "cancel"}}
        note("heard", 1)
        {last}
    """)
    with pytest.raises(errors.Cancelled):
        run(script, Feedback(tmp_path / "started"), limits=quick(cancel_s=30.0))
    assert (tmp_path / "heard").exists()


def test_cancel_before_hello(fake, run, tmp_path):
    script = fake("note('pid', os.getpid()); time.sleep(60)")
    started_s = time.monotonic()
    with pytest.raises(errors.Cancelled):
        run(script, Feedback(tmp_path / "pid"))
    assert time.monotonic() - started_s < 3 and not lives(noted_pid(tmp_path, "pid"))


def test_an_interrupt_in_the_callback_leaves_no_process(fake, run, tmp_path):
    def interrupt(message):
        raise KeyboardInterrupt

    script = fake("note('pid', os.getpid()); hello(); say(type='progress', done=0, total=1); time.sleep(60)")
    with pytest.raises(KeyboardInterrupt):
        run(script, on_progress=interrupt)
    assert not lives(noted_pid(tmp_path, "pid"))
