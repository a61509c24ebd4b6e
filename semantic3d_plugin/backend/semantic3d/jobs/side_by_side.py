"""Pieces of a job's work at the same time, in threads: a fault of one ends the others soon."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Callable, Sequence

from s3d_protocol import Cancelled


def side_by_side(
    pieces: Sequence[Callable[[Callable[[], None]], None]], threads: int, check_cancelled: Callable[[], None]
) -> None:
    """Do all pieces, in their order where there are fewer threads, and wait for them.

    Args:
        pieces: each is called with a check that it calls often; that raises Cancelled once the job is cancelled, or
            another piece has failed.
        threads: at most this many at once.
        check_cancelled: raises Cancelled once the job is.

    Raises:
        BaseException: what the first piece that failed has raised, and not what another one stopped by it has.
    """
    stopped = Event()

    def check() -> None:
        check_cancelled()
        if stopped.is_set():
            raise Cancelled("Another piece of the work has failed.")

    def do(piece) -> None:
        try:
            check()
            piece(check)
        except BaseException:
            stopped.set()
            raise

    with ThreadPoolExecutor(threads, "semantic3d-piece") as pool:
        running = [pool.submit(do, piece) for piece in pieces]
    faults = [fault for fault in (piece.exception() for piece in running) if fault is not None]
    if faults:
        raise next((fault for fault in faults if not isinstance(fault, Cancelled)), faults[0])
