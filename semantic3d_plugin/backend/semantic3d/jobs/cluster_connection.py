"""A connection to a Dask scheduler, with patience: while an answer is awaited the job can be cancelled, and none is
awaited without end."""

from __future__ import annotations

import asyncio
import sys
import time
from concurrent.futures import wait as wait_for
from typing import Callable

from s3d_protocol import DeviceUnavailable, JobControl, MissingDependency, Semantic3DError

from .cluster_parcel import CLIENT_NAME, left_behind

_CONNECT_S = 20.0
_ANSWER_S = 900.0  # a large model has to be read from a slow disk by everybody
_END_S = 60.0
LOOK_S = 0.2  # between two looks at whether the job was cancelled


class Connection:
    """A connection to the cluster at `address`; close it.

    Attributes:
        client: Dask's own, for what only starts work.
        distributed: Dask's package.
    """

    def __init__(self, address: str, control: JobControl):
        """Connect.

        Raises:
            Semantic3DError: MissingDependency without Dask, DeviceUnavailable where the scheduler is not reached.
        """
        self.distributed = import_distributed()
        self.address, self._control = address, control
        self._threads = daemons(3, "semantic3d-cluster")  # a question and the last words may both wait for an answer
        try:
            self.client = self.patiently(self._connect, _CONNECT_S + 10.0)
        except BaseException:
            self._end_threads()
            raise

    def _connect(self):
        failure = ""
        try:
            return self.distributed.Client(
                self.address, timeout=_CONNECT_S, set_as_default=False, name=CLIENT_NAME
            )
        except (OSError, asyncio.TimeoutError, ValueError, RuntimeError, ImportError) as error:
            failure = " ".join(str(error).split()) or type(error).__name__
        raise DeviceUnavailable(
            f"The Dask scheduler {self.address} was not reached within {_CONNECT_S:g} s: {failure[:300]}. Is it "
            "running there, is the port open from this computer, and does it have a like version of Dask (here: "
            f"distributed {self.distributed.__version__})? Start one with dask scheduler --port 8786, or leave the "
            "scheduler out to compute here.",
            {"scheduler": self.address},
        )

    def workers(self) -> dict:
        """Return address -> what the scheduler knows of a worker."""
        return self.patiently(lambda: self.client.scheduler_info(n_workers=-1), _END_S)["workers"]

    def ask(self, function, workers: list[str], *arguments) -> dict:
        """Call a function on workers, beside their tasks; returns address -> answer.

        Args:
            workers: their addresses.

        Raises:
            Semantic3DError: the first complaint, and how many there are; or who does not answer.
        """
        answers: dict = {}

        async def ask_one(address: str) -> None:  # one by one, so that it is known who has not answered
            answers.update(await self.client.run(function, *arguments, workers=[address], on_error="return"))

        async def ask_all() -> None:
            await asyncio.gather(*map(ask_one, workers))

        def silent() -> str:
            names = [address for address in workers if address not in answers]
            return f" {len(names)} of {len(workers)} workers are silent, such as {names[0]}." if names else ""

        self.patiently(lambda: self.client.sync(ask_all), _ANSWER_S, silent)
        faults = {address: answer for address, answer in answers.items() if isinstance(answer, Exception)}
        if not faults:
            return answers
        address, fault = next(iter(sorted(faults.items())))
        others = f" ({len(faults)} of {len(answers)} workers have such a fault.)" if len(answers) > 1 else ""
        if isinstance(fault, Semantic3DError):
            raise type(fault)(fault.message + others, fault.details)
        if isinstance(fault, ImportError):
            raise DeviceUnavailable(
                f"Worker {address} cannot load Semantic3D: {fault}. Install the same release on all workers as on "
                f"this computer, with its extras dask and cpu or gpu.{others}",
                {"worker": address},
            )
        raise DeviceUnavailable(
            f"Worker {address} does not answer as it should: {type(fault).__name__}: {str(fault)[:300]}.{others} Look "
            "at its log.",
            {"worker": address},
        )

    def register(self, plugin) -> None:
        """Send a worker plugin to all workers, and to those that come later.

        Raises:
            DeviceUnavailable: one cannot take it.
        """
        try:
            self.patiently(lambda: self.client.register_plugin(plugin, name=plugin.name))
        except Semantic3DError:
            raise
        except Exception as error:  # of whatever kind that worker raised
            raise DeviceUnavailable(
                f"A worker of the Dask scheduler {self.address} cannot take the job: {type(error).__name__}: "
                f"{str(error)[:300]}. Has it another version of Python or Dask? The workers' logs say which one it is.",
                {"scheduler": self.address},
            ) from error

    def forget_plugins_left_behind(self) -> None:
        """Let the cluster forget jobs whose client ended without a word."""
        try:
            for name in self.patiently(lambda: self.client.run_on_scheduler(left_behind())):
                self.patiently(lambda: self.client.unregister_worker_plugin(name))
        except ValueError:  # a job beside this one was faster, or that scheduler runs nobody's functions
            pass

    def patiently(self, function: Callable, most_s: float = _ANSWER_S, silent: Callable[[], str] = str):
        """Call what blocks in another thread, and look meanwhile whether the job was cancelled.

        Args:
            silent: returns a sentence on who has not answered yet.

        Raises:
            DeviceUnavailable: no answer came, or the connection was lost.
        """
        future, ends_s = self._threads.submit(function), time.monotonic() + most_s
        while not wait_for([future], timeout=LOOK_S).done:
            self._control.check_cancelled()
            if time.monotonic() > ends_s:
                raise DeviceUnavailable(
                    f"The Dask cluster at {self.address} has not answered for {most_s:g} s.{silent()} Look at "
                    "the logs of scheduler and workers.",
                    {"scheduler": self.address},
                )
        try:
            return future.result()
        except (OSError, asyncio.TimeoutError, self.distributed.CancelledError) as error:
            raise self.lost() from error

    def check_alive(self) -> None:
        """Raise DeviceUnavailable where the connection was lost."""
        if self.client.status != "running":
            raise self.lost()

    def lost(self) -> DeviceUnavailable:
        """Return what to raise when the scheduler is gone, or has forgotten the job."""
        return DeviceUnavailable(
            f"The connection to the Dask scheduler {self.address} was lost, or somebody restarted the cluster. "
            "Finished blocks are kept: run the same job again to continue, with that scheduler or without one.",
            {"scheduler": self.address},
        )

    def close(self, last_words: Callable[[], None]) -> None:
        """Hang up; bounded, whatever the cluster does.

        Args:
            last_words: called before, where the cluster is still there.
        """
        fault = self._bounded(last_words) if self.client.status == "running" else None
        fault = self._bounded(self.client.close) or fault  # also where a worker hangs: the scheduler sees that we left
        if fault is not None:
            self._control.log(
                f"The Dask cluster at {self.address} may not know that the job has ended ({fault}).", "warning"
            )
        self._end_threads()

    def _bounded(self, function: Callable[[], None]) -> object:
        """Call, but wait no longer than `_END_S`; returns what went wrong, or None."""
        calling = self._threads.submit(function)
        finished = wait_for([calling], timeout=_END_S).done
        return calling.exception() if finished else f"no answer for {_END_S:g} s"

    def _end_threads(self) -> None:
        self._threads.shutdown(wait=False)


def daemons(most: int, name: str):
    """Return a pool of threads that Python does not wait for at its end: a worker that hangs may never answer them."""
    from distributed.threadpoolexecutor import ThreadPoolExecutor

    return ThreadPoolExecutor(most, thread_name_prefix=name)


def import_distributed():
    """Import Dask's package for clusters.

    Raises:
        MissingDependency: it does not load; the message says how to get it.
    """
    try:
        import distributed
    except ImportError as error:
        raise MissingDependency(
            f"A Dask scheduler is given, but the package distributed does not load here ({error}). In QGIS run "
            '"Set up the backend" with PROFILE=full; in a Python of your own install it with '
            f'"{sys.executable}" -m pip install "dask[distributed]". Or leave the scheduler out to compute here.',
            {"package": "distributed"},
        ) from error
    return distributed
