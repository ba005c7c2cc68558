"""Counters lose nothing between threads; histograms have the bounds that monitoring expects."""

import threading

import pytest

from tracker_server.meter import Answers, Counter, Histogram


def test_a_counter_raised_and_read_by_many_threads_is_exact() -> None:
    """No step is lost, and looking at it changes nothing."""
    counter = Counter()
    read: list[int] = []

    def work() -> None:
        for turn in range(20_000):
            counter.add()
            if turn % 1_000 == 0:
                read.append(counter.value())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counter.value() == counter.value() == 160_000
    assert all(0 < value <= 160_000 for value in read)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5, [1, 1, 1]), (1.0, [1, 1, 1]), (1.5, [0, 1, 1]), (2.0, [0, 1, 1]), (9.0, [0, 0, 1])],
)
def test_a_bound_includes_what_equals_it(value: float, expected: list[int]) -> None:
    """Cumulative counts up to each bound, and up to infinity."""
    histogram = Histogram((1.0, 2.0))
    histogram.observe(value)

    assert [number for _bound, number in histogram.up_to()] == expected
    assert [bound for bound, _number in histogram.up_to()] == [1.0, 2.0, float("inf")]
    assert histogram.sum == value


def test_nobody_outside_can_make_a_counter() -> None:
    """Whatever comes in, the number of series stays that of the start."""
    answers = Answers(("view",), ("204", "503"), ("host",))

    assert set(answers.given) == {("view", "204"), ("view", "503")}
    with pytest.raises(KeyError):
        answers.dropped["a reason that a reader sent"].add()
