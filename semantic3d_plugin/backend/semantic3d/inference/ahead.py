"""Work done in another thread, one step ahead of whoever uses it."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as NotYet  # the builtin one only from Python 3.11 on
from typing import Callable, Iterable, Iterator, TypeVar

_CHECK_S = 0.2

Result = TypeVar("Result")


def computed_ahead(
    pool: Executor, tasks: Iterable[Callable[[], Result]], check: Callable[[], None]
) -> Iterator[Result]:
    """Yield the tasks' results in order; each task is begun before the result of the one before is used.

    What a task raises is raised here.

    Args:
        pool: with one thread, so that tasks never run side by side.
        check: called while waiting; may raise to stop.
    """
    pending = None
    for task in tasks:
        following = pool.submit(task)
        if pending is not None:
            yield _result(pending, check)
        pending = following
    if pending is not None:
        yield _result(pending, check)


def _result(future: Future, check: Callable[[], None]):
    while True:
        try:
            return future.result(_CHECK_S)
        except NotYet:
            if future.done():  # just now; or the task itself raised it
                return future.result()
            check()
