import threading
import time

import pytest

from device.heap import share_heap, trim_heap
from device.thinking.turn_taking import TurnTaking


def test_two_never_work_at_the_same_time_and_who_waits_comes_next():
    alone, at_work, order = TurnTaking(), [0], []

    def work(name):
        at_work[0] += 1
        assert at_work[0] == 1
        time.sleep(0.01)
        order.append(name)
        at_work[0] -= 1

    def long_work():
        for _ in range(10):
            alone.call(work, "long")

    other = threading.Thread(target=long_work)
    other.start()
    time.sleep(0.035)
    alone.call(work, "short")
    other.join()
    assert order.count("long") == 10
    assert 3 <= order.index("short") <= 6  # not after all of them


def test_pieces_are_made_alone_and_others_have_their_turn_between_them():
    alone = TurnTaking()
    busy = []

    def pieces():
        for n in range(3):
            busy.append(alone._busy.locked())
            yield n

    for n in alone.pieces(pieces()):
        with alone:
            assert n < 3
    assert busy == [True] * 3


def test_a_fault_gives_the_turn_back():
    alone = TurnTaking()

    def broken():
        yield 1
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        list(alone.pieces(broken()))
    with pytest.raises(ZeroDivisionError):
        alone.call(lambda: 1 / 0)
    with alone:
        pass


def test_whoever_stops_early_closes_what_makes_the_pieces():
    closed = []

    def work():
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    pieces = TurnTaking().pieces(work())
    assert next(pieces) == 1
    pieces.close()
    assert closed == [True]


def test_the_heap_can_be_shared_and_trimmed_on_every_system():
    share_heap()
    trim_heap()
