"""Work done in other threads, a step ahead of whoever uses it."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as NotYet  # the builtin one only from Python 3.11 on
from typing import Callable, Iterable, Iterator, TypeVar

_CHECK_S = 0.2

Result = TypeVar("Result")


def computed_ahead(
    pool: Executor, tasks: Iterable[Callable[[], Result]], check: Callable[[], None], lanes: int = 1
) -> Iterator[Result]:
    """Yield the tasks' results in order; each task is begun before the result of the one before is used.

    What a task raises is raised here.

    Args:
        pool: with as many threads as tasks shall run side by side.
        check: called while waiting; may raise to stop.
        lanes: how many threads the pool has, and so how many tasks are begun ahead.
    """
    pending: deque[Future] = deque()
    for task in tasks:
        pending.append(pool.submit(task))
        if len(pending) > lanes:
            yield _result(pending.popleft(), check)
    while pending:
        yield _result(pending.popleft(), check)


def _result(future: Future, check: Callable[[], None]):
    while True:
        try:
            return future.result(_CHECK_S)
        except NotYet:
            if future.done():  # just now; or the task itself raised it
                return future.result()
            check()
