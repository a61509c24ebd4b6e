"""Dask clusters for tests, an image for them, and what a local run makes of it."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from block_scene import whole_run, write_image

distributed = pytest.importorskip("distributed", reason="Dask is not installed: nothing to distribute over")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return write_image(tmp_path_factory.mktemp("image") / "image.tif", gap=True)


@pytest.fixture(scope="module")
def expected(image, package, tmp_path_factory):
    """The bytes of a local run, by name."""
    folder = tmp_path_factory.mktemp("local")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEMANTIC3D_BLOCK_PX", "64")
        patch.setattr(os, "fsync", lambda fd: None)
        return whole_run(image, package, folder)


def in_this_process(threads=2, **workers):
    """A cluster of threads, so that tests can look inside; name=resources for each worker."""
    common = {"nthreads": threads, "memory_limit": 0, "dashboard": False}
    return distributed.SpecCluster(
        {name: {"cls": distributed.Worker, "options": {**common, "resources": resources}}
         for name, resources in workers.items()},
        {"cls": distributed.Scheduler, "options": {"dashboard": False, "host": "127.0.0.1", "port": 0}},
        silence_logs=50,
    )


def addresses(cluster):
    """The workers that the scheduler knows now."""
    return set(cluster.scheduler.workers)


def join(cluster, name):
    """Let one more worker of threads come; returns it. See that it leaves, the cluster's own end knows nothing of it."""

    async def begin():
        return await distributed.Worker(cluster.scheduler_address, name=name, nthreads=1, memory_limit=0,
                                        dashboard=False)

    return cluster.sync(begin)


def leave(cluster, workers):
    """Let workers that have joined go."""
    for worker in workers:
        cluster.sync(worker.close)


@contextmanager
def foreign_worker(cluster, folder):
    """A worker of somebody else's, a process that has Dask and lacks this package; gives the process."""
    begin = "import sys; sys.modules['semantic3d'] = None; from distributed.cli.dask_worker import main; main()"
    options = ["--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(folder)]
    before = addresses(cluster)
    process = subprocess.Popen(
        [sys.executable, "-c", begin, cluster.scheduler_address, *options], cwd=folder, env={**os.environ},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        ends_s = time.monotonic() + 60
        while addresses(cluster) == before and process.poll() is None and time.monotonic() < ends_s:
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()
