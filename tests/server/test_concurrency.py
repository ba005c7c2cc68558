"""Many threads, one session: the problem the original system had, and this one has not."""

import json
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from tests.server.conftest import MakeSite, Site, session_id

THREADS = 64


def _in_threads(work: Callable[[int], None]) -> None:
    """Run `work` in all threads at once and re-raise the first failure."""
    barrier = threading.Barrier(THREADS)
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            barrier.wait()
            work(number)
        except BaseException as error:  # noqa: BLE001  # whatever it is, the test must fail
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _post(site: Site, **message: object) -> int:
    body = json.dumps({"s": session_id(0), "l": "1" * 32, "p": "/", **message})
    return site.app.test_client().post("/api/collect", data=body).status_code


@pytest.mark.parametrize("shortcut", [True, False], ids=["with-memory", "database-alone"])
def test_64_threads_beating_write_what_the_window_allows(
    make_site: MakeSite, *, shortcut: bool
) -> None:
    """The same heartbeat from 64 threads is one row, one write and no error."""
    site = make_site()
    if not shortcut:
        site.tracker.recorder._beats = None
    statuses: Counter[int] = Counter()
    for _window in range(3):
        _in_threads(lambda _number: statuses.update([_post(site, t="beat")]))
        site.clock.advance(10)

    assert set(statuses) == {202}
    assert site.tracker.store.meter.sessions_written == 3
    assert site.rows("SELECT count(*) FROM active_session") == [(1,)]


def test_64_threads_changing_paths_lose_none(make_site: MakeSite) -> None:
    """Every path change is written: 64 threads with paths of their own make 64 writes a round."""
    site = make_site()
    rounds = 5
    statuses: Counter[int] = Counter()

    def change(number: int) -> None:
        for turn in range(rounds):
            statuses.update([_post(site, t="beat", p=f"/{number}/{turn}/")])

    _in_threads(change)
    last = site.stats()["activeByPath"]

    assert set(statuses) == {202}
    assert site.tracker.store.meter.sessions_written == THREADS * rounds
    assert site.rows("SELECT count(*) FROM active_session") == [(1,)]
    assert [row["visitors"] for row in last] == [1]


def test_64_threads_sending_beats_and_path_changes_end_on_the_last_path(
    make_site: MakeSite,
) -> None:
    """After the storm one more path change is what the row says."""
    site = make_site()

    def storm(number: int) -> None:
        for turn in range(5):
            assert _post(site, t="beat", p="/" if turn % 2 else f"/{number}/") == 202

    _in_threads(storm)
    _post(site, t="beat", p="/end/")

    assert [row["path"] for row in site.stats()["activeByPath"]] == ["/end/"]


def test_64_threads_sending_one_view_count_it_once(make_site: MakeSite) -> None:
    """A retry storm of one page load is one view and one visitor."""
    site = make_site()
    _in_threads(lambda _number: _check(_post(site, t="view")))

    figures = site.stats()
    assert (figures["totalPageViews"], figures["uniqueVisitors"]) == (1, 1)


def test_64_threads_of_different_readers_are_all_stored(make_site: MakeSite) -> None:
    """What was answered with 204 is in the database, exactly."""
    site = make_site()

    def read(number: int) -> None:
        for turn in range(5):
            _check(
                _post(
                    site,
                    t="view",
                    s=session_id(number),
                    l=f"{number * 100 + turn:032x}",
                    p=f"/{turn}/",
                )
            )

    _in_threads(read)
    figures = site.stats()

    assert figures["totalPageViews"] == THREADS * 5
    assert figures["uniqueVisitors"] == THREADS
    assert site.rows("SELECT count(*) FROM view") == [(THREADS * 5,)]


def _check(status: int) -> None:
    assert status == 204
