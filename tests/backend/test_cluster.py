"""Blocks on a real Dask cluster of two processes: the same bytes as locally, whatever happens on the way.

As in test_resume.py, blocks and tiles are 64 pixels, so that an image of 260 x 330 has 5 x 6 blocks.
"""

import http.server
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import onnxruntime
import pytest
from block_scene import (
    BLOCKS,
    LAYERS,
    Watch,
    acting,
    contents,
    job_for,
    names_in_work_folder,
)
from cluster_scene import expected, image, in_this_process  # noqa: F401 # two are fixtures
from fake_model import write_fake_package

distributed = pytest.importorskip("distributed", reason="Dask is not installed: nothing to distribute over")

import cloudpickle  # noqa: E402 # comes with Dask, as the next
import dask  # noqa: E402
from s3d_protocol import (  # noqa: E402
    Cancelled,
    DeviceUnavailable,
    InvalidInput,
    InvalidModel,
    JobControl,
    MissingDependency,
    OutputFailed,
)
from semantic3d.jobs import cluster_connection, cluster_worker  # noqa: E402
from semantic3d.jobs.reconstruct import run  # noqa: E402
from semantic3d.jobs.work_folder import BlockRecord  # noqa: E402
from semantic3d.raster.source import ReadFailed  # noqa: E402

POSIX = pytest.mark.skipif(sys.platform != "linux", reason="uses /proc and Linux's signals")
pytestmark = pytest.mark.usefixtures("small_blocks")


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, memory_limit=0, dashboard_address=":0", silence_logs=50
    ) as cluster:
        with distributed.Client(cluster, set_as_default=False) as client:
            client.run(lambda: setattr(os, "fsync", lambda fd: None))
        yield cluster


def test_the_cluster_gives_the_bytes_of_the_local_engine(cluster, image, package, expected, tmp_path, monkeypatch):
    tasks, submit = [], distributed.Client.submit

    def watched(self, function, *arguments, **options):
        tasks.append(cloudpickle.dumps((function, arguments)))
        return submit(self, function, *arguments, **options)

    monkeypatch.setattr(distributed.Client, "submit", watched)
    control = Watch()
    values = run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control)
    assert contents(tmp_path) == expected
    assert len(tasks) == BLOCKS and max(map(len, tasks)) < 1500 + len(str(tmp_path))  # no weights, no pixels
    opened = "import pickle, sys; pickle.loads(sys.stdin.buffer.read()); print('semantic3d' in sys.modules)"
    scheduler = subprocess.run([sys.executable, "-I", "-c", opened], input=tasks[0], capture_output=True, check=True)
    assert scheduler.stdout.strip() == b"False"  # a scheduler needs Dask alone
    assert values["device"] == "cpu" and values["preflight"]["expected_s"] > 0
    last = control.messages[-1]
    assert (last["done"], last["total"], last["unit"]) == (*[values["preflight"]["tiles"]] * 2, "tiles")
    assert last["megapixels"] == pytest.approx(0.0858)
    assert any(text.startswith("To do: 30 blocks, ") and "on 2 workers (cpu)" in text for text in control.logs)
    with distributed.Client(cluster, set_as_default=False) as client:
        left = client.run(lambda dask_worker: [name for name in dask_worker.plugins if "semantic3d" in name])
        assert list(left.values()) == [[], []]  # and with the plugin went the model


@POSIX
def test_a_lost_workers_blocks_are_done_again(cluster, image, package, expected, tmp_path):
    """The worker is stopped first, so that it certainly has work when it dies."""
    pid = cluster.workers[0].pid
    dies = threading.Timer(1.0, os.kill, (pid, signal.SIGKILL))

    def stop():
        os.kill(pid, signal.SIGSTOP)
        dies.start()

    with acting({3: stop}):
        run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), JobControl())
    dies.join()
    assert contents(tmp_path) == expected
    assert cluster.workers[0].pid != pid  # the nanny has started another, which the next job finds


def test_a_record_that_does_not_come_holds_up_no_other(cluster, image, package, expected, tmp_path, monkeypatch):
    """The first record comes once the others are there: its worker hung that long."""
    result, first, others_are_there = distributed.Future.result, [], threading.Event()

    def slow(future, timeout=None):
        first.append(future.key)
        if future.key == first[0]:
            assert others_are_there.wait(60)
        return result(future, timeout)

    monkeypatch.setattr(distributed.Future, "result", slow)
    with acting({BLOCKS - 1: others_are_there.set}):
        run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), JobControl())
    assert contents(tmp_path) == expected


@pytest.mark.parametrize("first, second", [("dask", "local"), ("local", "dask")])
def test_a_cancelled_job_goes_on_with_the_other_engine(cluster, image, package, expected, tmp_path, first, second):
    jobs = {
        "local": job_for(image, package, tmp_path),
        "dask": job_for(image, package, tmp_path, scheduler=cluster.scheduler_address),
    }
    control = Watch()
    with acting({5: control.cancel}), pytest.raises(Cancelled):
        run(jobs[first], control)
    left = names_in_work_folder(tmp_path)
    records = [name for name in left if name.endswith(".json") and name not in ("manifest.json", "run.json")]
    assert 5 <= len(records) < BLOCKS
    assert not [name for name in left if "partial" in name or "seen" in name]
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".semantic3d-")) == []
    control = Watch()
    run(jobs[second], control)
    assert f"Continuing: {len(records)} of {BLOCKS} blocks are there." in control.logs
    assert contents(tmp_path) == expected


def test_a_scheduler_that_is_not_there(image, package, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_connection, "_CONNECT_S", 1.0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DeviceUnavailable) as caught:
            run(job_for(image, package, tmp_path, scheduler=address), JobControl())
    for words in (address, "not reached within 1 s", f"distributed {distributed.__version__}", "dask scheduler"):
        assert words in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_scheduler_that_does_not_answer_can_be_cancelled(image, package, tmp_path):
    control = Watch()
    control.send_log = lambda text, level: control.cancel() if text.startswith("Connecting") else None
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Cancelled):
            run(job_for(image, package, tmp_path, scheduler=address), control)


def test_without_workers_the_job_says_how_to_start_some(image, package, tmp_path):
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=50) as empty:
        with pytest.raises(DeviceUnavailable, match=f"no workers yet.*dask worker {empty.scheduler_address}"):
            run(job_for(image, package, tmp_path, scheduler=empty.scheduler_address), JobControl())


def test_cuda_needs_workers_that_announce_a_card(cluster, image, package, tmp_path):
    job = job_for(image, package, tmp_path, scheduler=cluster.scheduler_address, device="cuda")
    with pytest.raises(DeviceUnavailable, match="none of the 2 workers.*--resources \"GPU=1\""):
        run(job, JobControl())


def test_cancel_stops_the_blocks_under_way(image, package, tmp_path, monkeypatch):
    control, stopped = Watch(), []

    def endless(plan, session, folder, block, check_cancelled, on_tiles):
        control.cancel()
        ends_s = time.monotonic() + 30
        while time.monotonic() < ends_s:
            try:
                check_cancelled()
            except Cancelled:
                stopped.append(block)
                raise
            time.sleep(0.01)

    monkeypatch.setattr(cluster_worker, "compute_block", endless)
    with in_this_process(only={}) as cluster, pytest.raises(Cancelled):
        try:
            run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control)
        finally:
            assert len(stopped) == 1  # when the job returns, nothing writes any more
    assert list(tmp_path.iterdir()) == []


def test_a_worker_loads_the_model_once_for_all_its_blocks(cluster, image, package, tmp_path):
    def start():
        from semantic3d.jobs import cluster_worker as module

        session, module.loads, module.blocks = module.InferenceSession, [], []
        compute = module.compute_block
        module.restore = lambda: vars(module).update(InferenceSession=session, compute_block=compute)
        module.InferenceSession = lambda *arguments: module.loads.append(1) or session(*arguments)
        module.compute_block = lambda *arguments: module.blocks.append(1) or compute(*arguments)

    def end():
        from semantic3d.jobs import cluster_worker as module

        module.restore()
        return len(module.loads), len(module.blocks)

    with distributed.Client(cluster, set_as_default=False) as client:
        client.run(start)
        run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), JobControl())
        loads, blocks = zip(*client.run(end).values())
    assert loads == (1, 1) and sum(blocks) == BLOCKS


def test_other_versions_on_a_worker_are_refused_before_the_work(cluster, image, package, tmp_path, monkeypatch):
    here = {**cluster_worker.versions(), "onnxruntime": "0.9", "semantic3d": "9.9.9"}
    monkeypatch.setattr(cluster_worker, "versions", lambda: here)
    there = onnxruntime.__version__
    with pytest.raises(DeviceUnavailable) as caught:
        run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), JobControl())
    assert f"onnxruntime {there} instead of 0.9" in caught.value.message
    assert "instead of 9.9.9" in caught.value.message and "tcp://127.0.0.1" in caught.value.message
    assert "2 of 2 workers" in caught.value.message
    assert list(tmp_path.iterdir()) == []


@POSIX
def test_workers_must_see_image_and_work_folder(cluster, image, package, tmp_path, monkeypatch):
    """/proc/self/cwd is another folder to each process."""
    monkeypatch.chdir(tmp_path)
    shutil.copy2(image, tmp_path / "here.tif")
    mine = "/proc/self/cwd/here.tif"
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidInput, match="Worker .*here.tif does not exist"):
        run(job_for(mine, package, tmp_path / "out", scheduler=cluster.scheduler_address), JobControl())
    job = job_for(image, package, "/proc/self/cwd/out", scheduler=cluster.scheduler_address)
    with pytest.raises(OutputFailed, match="Worker .* cannot use the work folder /proc/self/cwd/out/.semantic3d-"):
        run(job, JobControl())
    assert list((tmp_path / "out").iterdir()) == []


class Store(http.server.SimpleHTTPRequestHandler):
    """Gives parts of files, as an object store does."""

    def send_head(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        content, status, wanted = path.read_bytes(), 200, self.headers.get("Range")
        if wanted:
            first, last = wanted.removeprefix("bytes=").split("-")
            first, last = int(first), min(len(content) - 1, int(last or len(content)))
            status, size, content = 206, len(content), content[first : last + 1]
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        return io.BytesIO(content)

    def log_message(self, *said):
        pass


def test_an_image_in_an_object_store(cluster, image, package, expected, tmp_path, monkeypatch):
    (tmp_path / "bucket").mkdir()
    (tmp_path / "out").mkdir()
    shutil.copy2(image, tmp_path / "bucket")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Store, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = {
            "AWS_S3_ENDPOINT": f"127.0.0.1:{server.server_address[1]}", "AWS_HTTPS": "NO", "AWS_NO_SIGN_REQUEST": "YES",
            "AWS_VIRTUAL_HOSTING": "FALSE", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        with distributed.Client(cluster, set_as_default=False) as client:
            client.run(lambda: os.environ.update(settings))
        job = job_for("/vsis3/bucket/image.tif", package, tmp_path / "out", scheduler=cluster.scheduler_address)
        run(job, JobControl())
        server.shutdown()
    for name in LAYERS:
        assert (tmp_path / "out" / f"{name}.tif").read_bytes() == expected[f"{name}.tif"]


def test_an_image_that_is_another_one_there(cluster, image, package, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_worker, "image_samples", lambda path, bands: "0" * 64)
    with pytest.raises(InvalidInput, match="it sees another image"):
        run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), JobControl())


def test_a_model_that_is_another_one_there(cluster, image, tmp_path, monkeypatch):
    package = write_fake_package(tmp_path / "fake")
    travelling = cluster_worker.travelling

    def exchanged(plan):
        write_fake_package(tmp_path / "other", height_offset_m=1.0)
        return replace(travelling(plan), job=replace(plan.job, model_path=str(tmp_path / "other")))

    monkeypatch.setattr(cluster_worker, "travelling", exchanged)
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidModel, match="Worker .*not the one that the job was planned with"):
        run(job_for(image, package, tmp_path / "out", scheduler=cluster.scheduler_address), JobControl())


def test_a_model_that_was_replaced_is_opened_anew_by_workers_that_had_the_old_one(cluster, image, tmp_path):
    job = job_for(image, write_fake_package(tmp_path / "fake"), tmp_path / "out", scheduler=cluster.scheduler_address)
    before = run(job, JobControl())["mean_height_m"]
    shutil.rmtree(tmp_path / "fake")
    write_fake_package(tmp_path / "fake", height_offset_m=1.0)
    assert run(job, JobControl())["mean_height_m"] == pytest.approx(before + 1.0, abs=0.01)


@pytest.mark.parametrize("block_px", ["64", "4096"])
def test_relative_paths_are_the_clients(cluster, image, package, expected, tmp_path, monkeypatch, block_px):
    monkeypatch.setenv("SEMANTIC3D_BLOCK_PX", block_px)
    shutil.copy2(image, tmp_path / "image.tif")
    shutil.copytree(package, tmp_path / "model")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    run(job_for("image.tif", "model", "out", scheduler=cluster.scheduler_address), JobControl())
    found = contents(tmp_path / "out")
    assert {name: found[name] for name in found if name.endswith(".tif")} == {
        name: value for name, value in expected.items() if name.endswith(".tif")
    }


@POSIX
def test_a_block_that_ends_workers_again_and_again_is_given_up(image, package, tmp_path):
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        with distributed.LocalCluster(n_workers=1, threads_per_worker=1, memory_limit=0, dashboard_address=":0",
                                      silence_logs=50) as cluster:
            pid = cluster.workers[0].pid
            given_up = pytest.raises(DeviceUnavailable, match="given up: 1 workers ended.*allowed-failures")
            with acting({2: lambda: os.kill(pid, signal.SIGKILL)}), given_up:
                run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), JobControl())
    assert len([name for name in names_in_work_folder(tmp_path) if name.startswith("r0")]) >= 2


def test_a_scheduler_that_is_lost_leaves_the_finished_blocks(image, package, expected, tmp_path):
    cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=1, memory_limit=0, dashboard_address=":0",
                                       silence_logs=50)
    try:
        with acting({4: cluster.close}), pytest.raises(DeviceUnavailable, match="connection .* was lost"):
            run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), JobControl())
    finally:
        cluster.close()
    control = Watch()
    run(job_for(image, package, tmp_path), control)
    assert any(text.startswith("Continuing: ") for text in control.logs)
    assert contents(tmp_path) == expected


def test_what_may_pass_is_tried_again_and_what_may_not_is_not(cluster, image, package, expected, tmp_path, monkeypatch):
    submit, failures = distributed.Client.submit, [OutputFailed("the disk had a hiccup")] * 2

    def fail(error):
        raise error

    def sometimes(self, function, *arguments, **options):
        if failures and arguments[2:] == (1, 1):
            return submit(self, fail, failures.pop(), **options)
        return submit(self, function, *arguments, **options)

    monkeypatch.setattr(distributed.Client, "submit", sometimes)
    control = Watch()
    run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control)
    assert contents(tmp_path) == expected
    assert control.logs.count("Block r0001_c0001 is tried again. the disk had a hiccup") == 2
    failures[:] = [ReadFailed("HTTP error code: 503")]
    control = Watch()
    run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control)
    assert contents(tmp_path) == expected
    assert "Block r0001_c0001 is tried again. HTTP error code: 503" in control.logs
    for error in (OutputFailed("the disk is broken"), InvalidInput("the image changed")):
        failures[:] = [error] * 3
        with pytest.raises(type(error), match=error.message):
            run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), JobControl())
        assert len(failures) == (0 if isinstance(error, OutputFailed) else 2)


def test_what_a_worker_says_of_a_block_is_not_relied_upon(cluster, image, package, expected, tmp_path, monkeypatch):
    """It answers for block (1, 1) without having done it: for another block, and with names that lead elsewhere."""
    forged = BlockRecord(0, 0, "../../x", {"height": [1, "0" * 64]}, 10**400, 1, {"3": 10**400}, "cuda")
    submit, answers = distributed.Client.submit, [(forged, (("said", "no level"),)), 7]

    def lie(answer):
        return answer

    def sometimes(self, function, *arguments, **options):
        if answers and arguments[2:] == (1, 1):
            return submit(self, lie, answers.pop(), **options)
        return submit(self, function, *arguments, **options)

    monkeypatch.setattr(distributed.Client, "submit", sometimes)
    control = Watch()
    run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control)
    assert contents(tmp_path) == expected
    again = [text for text in control.logs if text.startswith("Block r0001_c0001 is tried again. A worker says that")]
    assert len(again) == 2
    answers[:] = [(forged, ())] * 3
    with pytest.raises(OutputFailed, match="has finished block r0001_c0001, but in the work folder .* not to be found"):
        run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), JobControl())


def test_without_dask_the_job_says_how_to_get_it(image, package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependency, match=r'-m pip install "dask\[distributed\]"'):
        run(job_for(image, package, tmp_path, scheduler="tcp://127.0.0.1:1"), JobControl())
