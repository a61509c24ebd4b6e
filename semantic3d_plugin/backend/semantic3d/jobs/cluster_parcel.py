"""What travels to a cluster by its code and not by its module's name.

Neither the scheduler nor the workers that others started for work of their own need have this package: to such a worker
a parcel is a box that it never opens. So all that travels is local to a function here, and imports this package, if at
all, where it is called.
"""

from __future__ import annotations

CLIENT_NAME = "semantic3d"


def parcel(name: str, content: dict):
    """Return the worker plugin that brings a job to all workers, also to those that come later.

    Nothing is opened where it arrives, for a worker whose plugin fails ends, or does not start: `cluster_worker` makes
    a `BlockWorker` from the content when a task or a question needs one.

    Args:
        name: of the client, which is the plugin's too: so `left_behind` knows whose it is.
        content: arguments of `BlockWorker` by name, builtin types only.
    """
    from distributed import WorkerPlugin

    class Parcel(WorkerPlugin):
        async def teardown(self, worker):
            if self.block_worker is not None:
                await self.block_worker.end()

    made = Parcel()
    made.name, made.content, made.block_worker = name, content, None
    return made


def block_task():
    """Return the task: (name of the plugin, work folder, row, column) -> what `cluster_answers` reads.

    A worker that cannot take part refuses by an answer of builtin types, not by an error: the block has not failed.
    """

    def compute_block(*arguments):
        from distributed import get_worker

        try:
            from semantic3d.jobs.cluster_worker import compute_or_refuse
        except ImportError as error:
            address = get_worker().address
            return {"unfit": address, "why": f"Worker {address}: it cannot load this release of Semantic3D ({error})."}
        return compute_or_refuse(*arguments)

    return compute_block


def question(name: str):
    """Return a function that calls the one of this name in `cluster_worker`; a worker that lacks it can say so."""

    def call(*arguments):
        from semantic3d.jobs import cluster_worker

        return getattr(cluster_worker, name)(*arguments)

    return call


def left_behind():
    """Return a function for the scheduler: the names of plugins like ours whose client is gone, as after kill -9."""
    ours = f"Client-{CLIENT_NAME}-"  # as Dask names clients

    def names(dask_scheduler):
        kept = [name for name in dask_scheduler.worker_plugins if name.startswith(ours)]
        return [name for name in kept if name not in dask_scheduler.clients]

    return names
