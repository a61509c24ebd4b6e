"""Pieces of work at the same time: the fault that counts is raised, and the others end."""

import threading

import pytest

from s3d_protocol import Cancelled, OutputFailed
from semantic3d.jobs.side_by_side import side_by_side


def go_on():
    pass


def test_all_pieces_are_done_even_by_one_thread():
    done = []
    side_by_side([lambda check, number=number: done.append(number) for number in range(5)], 1, go_on)
    assert done == [0, 1, 2, 3, 4]


def test_pieces_run_at_the_same_time():
    together = threading.Barrier(2, timeout=20)
    side_by_side([lambda check: together.wait()] * 2, 2, go_on)


@pytest.mark.parametrize("order", [1, -1])
def test_the_fault_is_raised_and_not_the_stop_that_it_caused(order):
    begun = threading.Event()

    def works(check):
        begun.set()
        for _ in range(2000):
            check()
            begun.wait()
            threading.Event().wait(0.01)
        pytest.fail("it was not stopped")

    def fails(check):
        assert begun.wait(20)
        raise OutputFailed("the disk is full")

    with pytest.raises(OutputFailed, match="the disk is full"):
        side_by_side([works, fails][::order], 2, go_on)


def test_what_has_not_begun_when_the_job_is_cancelled_does_not_begin():
    cancelled, done = threading.Event(), []

    def check_cancelled():
        if cancelled.is_set():
            raise Cancelled("stop")

    pieces = [lambda check: cancelled.set(), lambda check: done.append(1)]
    with pytest.raises(Cancelled, match="stop"):
        side_by_side(pieces, 1, check_cancelled)
    assert done == []
