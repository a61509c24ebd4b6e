"""Which workers of a Dask cluster take part, and what becomes of those that come, go, differ or stand still.

The scene is that of test_cluster.py; most workers are threads of this process, so that tests can look inside.
"""

import asyncio
import contextlib
import threading
import time

import pytest
import rasterio
from block_scene import (
    BLOCKS,
    Watch,
    acting,
    contents,
    job_for,
    names_in_work_folder,
    on_a_card,
)
from cluster_scene import addresses, distributed, expected, foreign_worker, image, in_this_process, join, leave  # noqa: F401
from s3d_protocol import Cancelled, DeviceUnavailable, JobControl
from semantic3d.inference.session import InferenceSession
from semantic3d.jobs import cluster_connection, cluster_roll_call, cluster_worker
from semantic3d.jobs.cluster_worker import BlockWorker
from semantic3d.jobs.reconstruct import run

pytestmark = pytest.mark.usefixtures("small_blocks")


def test_workers_that_announce_a_card_work_alone(image, package, expected, tmp_path, monkeypatch):
    """Where some have one, the others get no block: the model would run elsewhere there. Threads of this process."""
    at_work = []
    compute_block = cluster_worker.compute_block

    def watched(*arguments):
        at_work.append(distributed.get_worker().name)
        return compute_block(*arguments)

    monkeypatch.setattr(cluster_worker, "compute_block", watched)
    with in_this_process(card={"GPU": 1}, none={}) as cluster:
        control = Watch()
        run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control)
    assert at_work == ["card"] * BLOCKS
    assert any("on 1 workers (cpu)" in text for text in control.logs)
    assert contents(tmp_path) == expected


def test_workers_that_round_in_other_ways_are_told(image, package, tmp_path, monkeypatch):
    """As processors with AVX-512 do beside others."""
    rounding_of, ways = cluster_worker.rounding_of, []

    def watched(*arguments):
        ways.append(rounding_of(*arguments))
        return ways[-1] if differing is None else differing.pop()

    monkeypatch.setattr(cluster_worker, "rounding_of", watched)
    for differing, told in ((None, 0), (["one", "other"], 1)):
        with in_this_process(first={}, second={}) as cluster:
            run(job_for(image, package, tmp_path / str(told), scheduler=cluster.scheduler_address), control := Watch())
        assert sum("round the model's last digits in 2 ways" in text for text in control.logs) == told
    assert len(ways) == 4 and len(set(ways)) == 1 and len(ways[0]) == 64


def test_a_worker_with_many_threads_leaves_blocks_to_one_that_comes_later(image, package, expected, tmp_path, monkeypatch):
    """Dask gives a worker a task for each thread, and takes none of these back."""
    late, at_work, compute_block = [], [], cluster_worker.compute_block

    def watched(*arguments):
        at_work.append(distributed.get_worker().name)
        return compute_block(*arguments)

    monkeypatch.setattr(cluster_worker, "compute_block", watched)
    monkeypatch.setattr(cluster_roll_call, "_COUNT_S", 0.0)
    with in_this_process(threads=32, first={}) as cluster:
        with acting({3: lambda: late.append(join(cluster, "late"))}):
            run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), Watch())
        leave(cluster, late)
    assert at_work.count("late") > 2 and at_work.count("first") + at_work.count("late") == BLOCKS
    assert contents(tmp_path) == expected


def test_a_late_worker_that_rounds_in_another_way_is_told(image, package, tmp_path, monkeypatch):
    """Once, however many blocks it computes; it is asked with its first."""
    late, computed_late, compute_block = [], threading.Event(), cluster_worker.compute_block

    def way(*arguments):
        return "other" if late and distributed.get_worker() is late[0] else "one"

    def watched(*arguments):
        if late and distributed.get_worker() is late[0]:
            computed_late.set()
        elif late:
            assert computed_late.wait(60)
        return compute_block(*arguments)

    monkeypatch.setattr(cluster_worker, "compute_block", watched)
    with in_this_process(only={}) as cluster:
        with acting({3: lambda: late.append(join(cluster, "late"))}):
            with monkeypatch.context() as patch:
                patch.setattr(cluster_worker, "rounding_of", way)
                run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control := Watch())
        leave(cluster, late)
    (said,) = (text for text in control.logs if "round the model's last digits in 2 ways" in text)
    assert late[0].address in said


def test_progress_moves_within_a_block(image, package, tmp_path, monkeypatch, caplog):
    """The only block's last tiles wait until the client has shown some of the first."""
    shown, begun, infer = threading.Event(), [], InferenceSession.run

    class Eyes(Watch):
        def send_progress(self, message):
            super().send_progress(message)
            if 0 < message["done"] < message["total"]:
                shown.set()

    def waiting(self, images, roles):
        begun.append(1)
        if len(begun) > 20:
            assert shown.wait(60)
        return infer(self, images, roles)

    monkeypatch.setenv("SEMANTIC3D_BLOCK_PX", "512")
    monkeypatch.setattr(cluster_worker, "_TELL_S", -1.0)
    monkeypatch.setattr(InferenceSession, "run", waiting)
    with in_this_process(only={}) as cluster:
        values = run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control := Eyes())
    done = [message["done"] for message in control.messages]
    assert done == sorted(done) and done[0] == 0 and done[-1] == values["preflight"]["tiles"] > 20
    assert {message["unit"] for message in control.messages} == {"tiles"}
    assert [record for record in caplog.records if record.levelname == "CRITICAL"] == []  # as of news that nobody takes


def test_workers_without_a_card_need_not_have_the_package(image, package, expected, tmp_path):
    """Nor the disk: they get no block. And they can join while the job runs, and go on after it."""
    with in_this_process(card={"GPU": 1}) as cluster, foreign_worker(cluster, tmp_path) as process:
        job = job_for(image, package, tmp_path / "out", scheduler=cluster.scheduler_address)
        run(job, JobControl())
        assert len(addresses(cluster)) == 2 and process.poll() is None
    assert contents(tmp_path / "out") == expected


def test_a_client_that_was_killed_harms_nobody(image, package, tmp_path):
    """Its plugin stays at the scheduler: workers without the package can join, and the next job sweeps it away."""
    with in_this_process(only={}) as cluster:
        job = job_for(image, package, tmp_path / "out", scheduler=cluster.scheduler_address)
        with acting({2: lambda: 1 / 0}), pytest.raises(ZeroDivisionError), pytest.MonkeyPatch.context() as patch:
            patch.setattr(distributed.Client, "unregister_worker_plugin", lambda self, name: None)
            run(job, JobControl())
        (left,) = (name for name in cluster.scheduler.worker_plugins if "semantic3d" in name)
        with foreign_worker(cluster, tmp_path) as process:
            assert len(addresses(cluster)) == 2 and process.poll() is None
        ends_s = time.monotonic() + 60
        while len(addresses(cluster)) == 2 and time.monotonic() < ends_s:
            time.sleep(0.05)
        while_it_ran = []
        with acting({BLOCKS: lambda: while_it_ran.extend(cluster.scheduler.worker_plugins)}):
            run(job, JobControl())
        assert while_it_ran and left not in while_it_ran
        assert not [name for name in cluster.scheduler.worker_plugins if "semantic3d" in name]


def test_a_worker_that_loses_its_card_is_named_in_the_result(image, package, tmp_path, monkeypatch):
    lose_it = on_a_card(monkeypatch)
    with in_this_process(only={}) as cluster:
        job = job_for(image, package, tmp_path, scheduler=cluster.scheduler_address)
        with acting({3: lose_it}):
            control = Watch()
            assert run(job, control)["device"] == "cpu, cuda"
    with rasterio.open(job.height_path) as dataset:
        assert dataset.tags()["SEMANTIC3D_DEVICE"] == "cpu, cuda"
    assert any("was computed on cpu, others on cuda" in text for text in control.logs)


class Told(Watch):
    """Knows when the log has said that a worker does not take part."""

    def __init__(self):
        super().__init__()
        self.refused = threading.Event()

    def send_log(self, text, level):
        super().send_log(text, level)
        if "does not take part" in text:
            self.refused.set()


def until_refused(monkeypatch, control, free=3):
    """Blocks wait for a refusal, but the first ones: so the worker that comes certainly draws one."""
    compute_block, begun = cluster_worker.compute_block, []

    def waiting(*arguments):
        begun.append(1)
        if len(begun) > free:
            assert control.refused.wait(60)
        return compute_block(*arguments)

    monkeypatch.setattr(cluster_worker, "compute_block", waiting)


def unfit_if(monkeypatch, is_late):
    """Let workers for whose address this says so have other versions."""
    check = BlockWorker._check_versions

    def checked(self):
        if is_late(self._where.partition("(")[2].rstrip(")")):
            raise DeviceUnavailable("it has numpy 0.9 instead of 2.0.")
        check(self)

    monkeypatch.setattr(BlockWorker, "_check_versions", checked)


def the_first_to_come_does_not_fit(monkeypatch, cluster):
    """Known by its address when it first draws a block, which may be before whoever let it join hears of it."""
    there, come = addresses(cluster), []

    def is_late(address):
        if address not in there and not come:
            come.append(address)
        return come == [address]

    unfit_if(monkeypatch, is_late)


def test_a_late_worker_that_does_not_fit_gets_no_more_blocks(image, package, expected, tmp_path, monkeypatch):
    control, late = Told(), []
    until_refused(monkeypatch, control)
    with in_this_process(only={}) as cluster:
        the_first_to_come_does_not_fit(monkeypatch, cluster)
        with acting({3: lambda: late.append(join(cluster, "late"))}):
            run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control)
        leave(cluster, late)
    assert contents(tmp_path) == expected
    (said,) = (text for text in control.logs if "does not take part" in text)
    assert late[0].address in said and "numpy 0.9 instead of 2.0" in said
    assert not [text for text in control.logs if "tried again" in text]


def test_a_late_worker_without_the_package_gets_no_more_blocks(image, package, expected, tmp_path, monkeypatch):
    control = Told()
    until_refused(monkeypatch, control)
    with in_this_process(only={}) as cluster, contextlib.ExitStack() as stack:
        with acting({3: lambda: stack.enter_context(foreign_worker(cluster, tmp_path))}):
            run(job_for(image, package, tmp_path / "out", scheduler=cluster.scheduler_address), control)
    assert contents(tmp_path / "out") == expected
    (said,) = (text for text in control.logs if "does not take part" in text)
    assert "cannot load this release of Semantic3D" in said


def test_blocks_of_those_that_fit_are_not_lost_with_them(image, package, expected, tmp_path, monkeypatch):
    """Once a worker was refused, tasks name the others. Where these go, who comes in their place gets the blocks."""
    control, late = Told(), []
    monkeypatch.setattr(cluster_roll_call, "_ROLL_CALL_S", 0.3)
    until_refused(monkeypatch, control)
    with in_this_process(only={}) as cluster:
        the_first_to_come_does_not_fit(monkeypatch, cluster)
        (first,) = cluster.workers.values()

        def exchange():
            if late[1:]:
                return
            late.append(join(cluster, "second"))
            cluster.sync(first.close)

        actions = {3: lambda: late.append(join(cluster, "late")), **dict.fromkeys(range(8, BLOCKS), exchange)}
        with acting(actions):
            run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control)
        leave(cluster, late)
    assert contents(tmp_path) == expected


def test_a_worker_bounds_what_runs_side_by_side_by_its_memory(image, package, tmp_path, monkeypatch):
    limits = []
    monkeypatch.setattr("semantic3d.inference.session.lanes_for", lambda *given: 4)
    monkeypatch.setattr(InferenceSession, "limit_lanes", lambda self, *given: limits.append(given))
    monkeypatch.setattr(cluster_worker, "_lane_mb", {})
    with in_this_process(only={}) as cluster:
        job = job_for(image, package, tmp_path, scheduler=cluster.scheduler_address, max_memory_mb=900)
        run(job, control := Watch())
    assert [limit_mb for lane_mb, limit_mb in limits] == [900] and 0 <= limits[0][0] < 900
    assert any("of main memory for each, up to" in text for text in control.logs)


def test_the_time_expected_counts_what_runs_side_by_side(image, package, tmp_path, monkeypatch):
    """A worker with four lanes times four batches at once: none of them ends before the fourth has begun."""
    four, infer, timed = threading.Barrier(4), InferenceSession.run, []
    monkeypatch.setattr("semantic3d.inference.session.lanes_for", lambda *given: 4)
    monkeypatch.setattr(cluster_worker, "settle_lanes", lambda *given: None)

    def together(self, images, roles):
        if len(timed) < 8:
            timed.append(four.wait(60))
        return infer(self, images, roles)

    monkeypatch.setattr(InferenceSession, "run", together)
    with in_this_process(only={}) as cluster:
        run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), JobControl())
    assert sorted(timed) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_cluster_whose_last_worker_goes_is_not_waited_for_without_end(image, package, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_roll_call, "_ROLL_CALL_S", 0.3)
    monkeypatch.setattr(cluster_roll_call, "_LONELY_S", 1.0)
    control = Watch()
    with distributed.LocalCluster(n_workers=1, dashboard_address=":0", silence_logs=50) as cluster:
        gone = threading.Thread(target=cluster.scale, args=(0,))
        with acting({4: gone.start}), pytest.raises(DeviceUnavailable, match="has had no workers that could go on for"):
            run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control)
    assert any(text.startswith("The Dask scheduler has no workers left") for text in control.logs)
    assert len([name for name in names_in_work_folder(tmp_path) if name.startswith("r0")]) >= 2


def test_a_worker_that_hangs_does_not_hold_up_the_end(image, package, tmp_path, monkeypatch):
    """Neither the job's nor the process's, which Python ends when all threads have but daemons."""
    answers = threading.Event()
    monkeypatch.setattr(cluster_connection, "_END_S", 0.5)
    monkeypatch.setattr(distributed.Client, "unregister_worker_plugin", lambda self, name: answers.wait(60))
    control = Watch()
    with in_this_process(only={}) as cluster:
        with acting({2: control.cancel}), pytest.raises(Cancelled):
            run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control)
        assert not [name for name in cluster.scheduler.clients if "semantic3d" in name]
    held_up = [thread.name for thread in threading.enumerate() if "semantic3d-" in thread.name and not thread.daemon]
    answers.set()
    assert held_up == []
    assert any("may not know that the job has ended (no answer for 0.5 s)" in text for text in control.logs)


def test_a_memory_limit_that_is_too_low_is_told_before_the_work(image, package, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_worker, "peak_memory_mb", lambda: 5000)
    control = Watch()
    with in_this_process(only={}) as cluster:
        for worker in cluster.scheduler.workers.values():
            worker.memory_limit = 6_000_000_000
        with acting({1: control.cancel}), pytest.raises(Cancelled):
            run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control)
    (said,) = (text for text in control.logs if "more memory than their limit" in text)
    assert "of 6000 MB, and Dask pauses a worker at 80%" in said and "--memory-limit 6" in said


def test_paused_workers_are_told_and_not_waited_for_without_end(image, package, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_roll_call, "_ROLL_CALL_S", 0.3)
    monkeypatch.setattr(cluster_roll_call, "_LONELY_S", 1.0)
    control = Watch()
    with in_this_process(only={}) as cluster:

        def pause():
            for worker in cluster.workers.values():
                worker.status = distributed.core.Status.paused

        paused = pytest.raises(DeviceUnavailable, match="no workers that could go on .*All 1 workers are paused")
        with acting({4: lambda: cluster.loop.add_callback(pause)}), paused:
            run(job_for(image, package, tmp_path, scheduler=cluster.scheduler_address), control)
    assert any(text.startswith("All 1 workers are paused: ") for text in control.logs)


def test_a_worker_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(cluster_connection, "_ANSWER_S", 1.0)
    with in_this_process(one={}, other={}) as cluster:
        silent = cluster.workers["other"].address

        async def answer(dask_worker):
            if dask_worker.address == silent:
                await asyncio.sleep(60)

        connection = cluster_connection.Connection(cluster.scheduler_address, JobControl())
        with pytest.raises(DeviceUnavailable, match=f"for 1 s. 1 of 2 workers are silent, such as {silent}."):
            connection.ask(answer, list(addresses(cluster)))
        connection.close(lambda: None)
