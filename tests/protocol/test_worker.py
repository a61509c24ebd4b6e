"""The worker's end of the conversation, driven by the real runner or by hand through its pipes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from semantic3d_plugin.backend.s3d_protocol import DoctorJob, errors
from semantic3d_plugin.backend.s3d_protocol.serving import Channel
from semantic3d_plugin.runtime.runner import run_job

from .conftest import BACKEND, QUICK, Feedback, lives, noted_pid, wait_for

REPOSITORY = BACKEND.parents[1]
posix = pytest.mark.skipif(os.name == "nt", reason="process groups")


def by_hand(script: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-u", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        **options,
    )


def order(job, job_id="abc", protocol=1, kind="reconstruct") -> str:
    message = {"type": "job", "protocol": protocol, "kind": kind, "job_id": job_id, "job": job.to_dict()}
    return json.dumps(message) + "\n"


def answers(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_job_gets_its_parameters_and_its_values_come_back(serving, run, job):
    script = serving("""
        control.progress(0, 2, megapixels=0.0)
        control.progress(2, 2, megapixels=1.5, text="Writing")
        control.log("far outside", "warning")
        return {"height": job.height_path, "bands": list(job.bands)}
    """)
    feedback = Feedback()
    assert run(script, feedback) == {"height": job.height_path, "bands": []}
    assert feedback.percents[-1] == 100.0
    assert ("warning", "far outside") in feedback.lines
    assert any(text.startswith("Writing · 2 of 2 tiles") for _, text in feedback.lines)


def test_what_libraries_print_does_not_reach_the_messages(serving, run):
    script = serving("""
        print("from Python")
        os.write(1, b"from C\\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"])
        assert sys.stdin.read() == ""
        return {"a": 1}
    """)
    feedback = Feedback()
    assert run(script, feedback) == {"a": 1}
    assert feedback.lines == []


def test_the_result_is_the_last_word_and_heartbeats_come_before_it(serving, job):
    process = by_hand(serving("time.sleep(0.5); return {}"))
    process.stdin.write(order(job))
    process.stdin.flush()
    types = [message["type"] for message in answers(process.stdout.read())]
    assert process.wait(5) == 0
    assert types[0] == "hello" and types[-1] == "result" and set(types[1:-1]) == {"alive"} and len(types) >= 4


def test_nothing_is_sent_after_the_last_word():
    orders, answers_in = os.pipe(), os.pipe()
    channel = Channel(orders[0], answers_in[1])
    channel.send_last({"type": "result", "values": {}})
    channel.send({"type": "alive"})
    os.close(answers_in[1])
    os.close(orders[1])
    with os.fdopen(answers_in[0], "rb") as stream:
        assert stream.read() == b'{"type":"result","values":{}}\n'
    assert channel.receive() is None


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("raise InvalidInput('It has one band.')", "invalid_input", "^It has one band.$"),
        ("raise KeyError('x')", "internal_error", "KeyError: 'x'.*please report"),
        ("raise MemoryError('Unable to allocate 9.00 GiB')", "out_of_memory", "9.00 GiB.*memory limit was 2048 MB"),
        ("raise RuntimeError('[ONNXRuntimeError] BFCArena: Failed to allocate memory')", "out_of_memory", "BFCArena"),
        ("raise RuntimeError('CUDA out of memory. Tried to allocate')", "out_of_memory", "choose the CPU"),
        ("import not_a_package", "missing_dependency", "not_a_package.*semantic3d:setup_backend"),
        ("raise OSError(28, 'No space left on device', 'h.tif')", "output_failed", "disk is full"),
        ("return {'mean': float('nan')}", "internal_error", "ValueError"),
        ("return {'path': object()}", "internal_error", "TypeError"),
        ("sys.exit(0)", "internal_error", "SystemExit"),
    ],
)
def test_what_a_job_raises_becomes_one_error(serving, run, body, code, words):
    with pytest.raises(errors.Semantic3DError, match=words) as caught:
        run(serving(body))
    assert caught.value.code == code


def test_a_failing_job_leaves_no_partial_output(serving, run, job):
    with pytest.raises(errors.OutputFailed):
        run(serving("write_partial(job, control); raise OutputFailed('No.')"))
    assert list(Path(job.height_path).parent.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [({"kind": "fly"}, "no job 'fly'"), ({"job": {"image": 1}}, "no parameter image"), ({"job": {}}, "image_path")],
)
def test_a_wrong_order_is_refused_as_a_parameter(serving, job, change, words):
    process = by_hand(serving("return {}"))
    process.stdin.write(json.dumps({**json.loads(order(job)), **change}) + "\n")
    process.stdin.flush()
    last = answers(process.stdout.read())[-1]
    assert (last["type"], last["code"]) == ("error", "invalid_parameter") and words in last["message"]


@pytest.mark.parametrize("line", ['{"type":"job","protocol":2}\n', '{"type":"cancel"}\n'])
def test_another_protocol_is_refused_with_its_own_exit_code(serving, line):
    process = by_hand(serving("return {}"))
    out, _ = process.communicate(line)
    assert process.returncode == 2 and answers(out)[-1]["code"] == "protocol_mismatch"


# -- cancel and the end of QGIS -----------------------------------------------------------------------------


def test_a_job_that_looks_is_cancelled_and_says_so(serving, job, tmp_path):
    process = by_hand(serving("write_partial(job, control)\nwhile True: time.sleep(0.01); control.check_cancelled()"))
    process.stdin.write(order(job))
    process.stdin.flush()
    noted_pid(tmp_path, "started")
    process.stdin.write("no message\n" + '{"type":"unknown"}\n' + '{"type":"cancel"}\n')
    process.stdin.flush()
    assert process.wait(3) == 3
    assert answers(process.stdout.read())[-1]["code"] == "cancelled"
    assert list(Path(job.height_path).parent.iterdir()) == []


def test_what_breaks_while_stopping_is_a_cancel(serving, job, tmp_path):
    body = "note('started', 1)\nwhile not control.cancelled: time.sleep(0.01)\nraise OSError('pipe')"
    process = by_hand(serving(body))
    process.stdin.write(order(job))
    process.stdin.flush()
    noted_pid(tmp_path, "started")
    process.stdin.write('{"type":"cancel"}\n')
    process.stdin.flush()
    assert process.wait(3) == 3 and answers(process.stdout.read())[-1]["code"] == "cancelled"


def test_a_job_that_does_not_look_is_ended_with_its_partials(serving, job, tmp_path):
    process = by_hand(serving("write_partial(job, control); time.sleep(60)"))  # not the leader of its group
    process.stdin.write(order(job))
    process.stdin.flush()
    noted_pid(tmp_path, "started")
    process.stdin.close()
    assert process.wait(3) == 3
    assert list(Path(job.height_path).parent.iterdir()) == []


def test_no_order_at_all_is_a_cancel(serving):
    process = by_hand(serving("return {}"))
    process.stdin.close()
    assert process.wait(3) == 3


@posix
@pytest.mark.parametrize("ending", ["time.sleep(60)", "while True: time.sleep(0.01); control.check_cancelled()"])
def test_the_runner_cancels_within_two_seconds(serving, run, job, tmp_path, ending):
    script = serving("grandchild(); write_partial(job, control)\n" + ending, grace_s=1.0)
    feedback = Feedback(cancel_when=tmp_path / "started")
    with pytest.raises(errors.Cancelled):
        run(script, feedback)
    assert time.time() - (tmp_path / "started").stat().st_mtime < 2
    assert not lives(noted_pid(tmp_path, "started"))
    assert wait_for(lambda: not lives(noted_pid(tmp_path, "grandchild")))
    assert list(Path(job.height_path).parent.iterdir()) == []


@posix
@pytest.mark.parametrize("ending", ["time.sleep(60)", "while True: time.sleep(0.01); control.check_cancelled()"])
def test_the_death_of_qgis_ends_the_worker_and_its_children(serving, job, tmp_path, ending):
    script = serving("grandchild(); write_partial(job, control)\n" + ending)
    parent = tmp_path / "qgis.py"
    parent.write_text(
        textwrap.dedent(f"""
            import sys
            sys.path.insert(0, {str(REPOSITORY)!r})
            from semantic3d_plugin.backend.s3d_protocol import ReconstructJob
            from semantic3d_plugin.runtime.runner import run_job
            run_job(sys.executable, "reconstruct", ReconstructJob(**{job.to_dict() | {"bands": ()}!r}),
                    worker_path={script!r})
        """)
    )
    qgis = subprocess.Popen([sys.executable, str(parent)])
    worker, child = noted_pid(tmp_path, "started"), noted_pid(tmp_path, "grandchild")
    qgis.send_signal(signal.SIGKILL)
    qgis.wait()
    assert wait_for(lambda: not lives(worker), 3) and wait_for(lambda: not lives(child), 3)
    assert list(Path(job.height_path).parent.iterdir()) == []


# -- the real worker.py -------------------------------------------------------------------------------------


@pytest.fixture
def worker(tmp_path):
    """The real worker.py and protocol beside a science of two lines."""

    def make(module: str) -> str:
        shutil.copytree(BACKEND / "s3d_protocol", tmp_path / "s3d_protocol")
        shutil.copy(BACKEND / "worker.py", tmp_path)
        jobs = tmp_path / "semantic3d" / "jobs"
        jobs.mkdir(parents=True)
        (jobs / "doctor.py").write_text(textwrap.dedent(module))
        return str(tmp_path / "worker.py")

    return make


def test_the_worker_runs_the_module_of_the_job(worker):
    path = worker("def run(job, control): return {'device': job.device, 'id': control.job_id}")
    values = run_job(sys.executable, "doctor", DoctorJob(device="cpu"), worker_path=path, limits=QUICK)
    assert values["device"] == "cpu" and len(values["id"]) == 32


def test_a_module_that_does_not_import_is_told_as_a_missing_package(worker):
    path = worker("import a_package_of_the_future")
    with pytest.raises(errors.MissingDependency, match="a_package_of_the_future"):
        run_job(sys.executable, "doctor", DoctorJob(), worker_path=path, limits=QUICK)


@posix
def test_a_crash_in_native_code_leaves_its_trace(worker):
    path = worker("import ctypes\ndef run(job, control): ctypes.string_at(0)")
    with pytest.raises(errors.BackendCrashed, match="SIGSEGV") as caught:
        run_job(sys.executable, "doctor", DoctorJob(), worker_path=path, limits=QUICK)
    assert "doctor.py" in caught.value.details["stderr"]


def test_a_teardown_that_crashes_does_not_spoil_the_result(worker):
    path = worker("""
        import atexit, os
        atexit.register(os.abort)
        def run(job, control): return {"a": 1}
    """)
    assert run_job(sys.executable, "doctor", DoctorJob(), worker_path=path, limits=QUICK) == {"a": 1}
