"""One snapshot a second for everybody who looks."""

import json
import threading
from typing import Any

import pytest

from tests.server.conftest import CONTRACT, FakeClock, MakeSite, Site
from tracker_server.figures import (
    DayFigures,
    Overview,
    PathReaders,
    PathViews,
    RecentView,
)
from tracker_server.live import Live
from tracker_server.wire import etag_of, timestamp, write_overview

OVERVIEW = Overview(
    active_visitors=3,
    active_by_path=(
        PathReaders("/guide/install/", "Install", "page", 2),
        PathReaders("/blog/2026/first-boil/", 'First boil: "fast" & <quiet>', "blog", 1),
    ),
    total_page_views=1_234,
    unique_visitors=567,
    published_posts=1,
    published_pages=4,
    tracking_since=1_772_357_400,
    page_stats=(
        PathViews("/guide/install/", "Install", "page", 700),
        PathViews("/", "Kettle", "home", 500),
        PathViews("/blog/2026/first-boil/", 'First boil: "fast" & <quiet>', "blog", 30),
        PathViews("/gone/", None, "other", 4),
        PathViews("(other)", None, "other", 2),
    ),
    page_count=5,
    site_name="Kettle",
    site_url="https://kettle.example/docs/",
    series=(
        DayFigures(20_513, 700, 400),
        DayFigures(20_514, 0, 0),
        DayFigures(20_515, 534, 300),
    ),
    minutes=(*[0] * 27, 5, 0, 3),
    recent=(
        RecentView(1_780_133_430, "/guide/install/", "Install", "AT", "search.example"),
        RecentView(1_780_133_429, "/gone/", None, "", ""),
    ),
)


class _Reads:
    """A reader of overviews that notes when it was asked."""

    def __init__(self) -> None:
        self.times: list[int] = []

    def __call__(self, now: int, _max_rows: int) -> Overview:
        self.times.append(now)
        return OVERVIEW


def _shape(value: object) -> Any:
    """Return keys and types of a JSON value; of a list those of its elements."""
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return {str(_shape(item)) for item in value}
    return type(value).__name__


def test_as_json_writes_the_stats_of_the_contract() -> None:
    """The contract's example is what its figures are written as, in the same order of keys."""
    expected = json.loads((CONTRACT / "stats.json").read_text())
    written = json.loads(write_overview(OVERVIEW, 50))

    assert written == expected
    assert list(written) == list(expected)


def test_a_running_tracker_answers_in_the_shape_of_the_contract(site: Site) -> None:
    """Keys and types of a real answer are those of the contract, down to every row."""
    site.view("/guide/install/", reader=1)
    site.view("/gone/", reader=2)
    answer = site.stats()
    expected = json.loads((CONTRACT / "stats.json").read_text())

    # The example has no reader on an unknown page.
    answer["activeByPath"] = [row for row in answer["activeByPath"] if row["title"]]
    assert _shape(answer) == _shape(expected)


def test_as_json_cuts_the_pages_and_nothing_else() -> None:
    """A limit shortens the list of pages; the count stays."""
    written = json.loads(write_overview(OVERVIEW, 1))

    assert [row["path"] for row in written["pageStats"]] == ["/guide/install/"]
    assert written["pageCount"] == 5
    assert len(written["activeByPath"]) == 2


def test_a_snapshot_is_read_once_a_second_however_many_look() -> None:
    """The second after the reading costs nothing, the next one is read anew."""
    clock, reads = FakeClock(1_000.0), _Reads()
    live = Live(reads, clock)
    for _ in range(50):
        live.snapshot()
        clock.advance(0.0199)
    within = list(reads.times)
    clock.advance(0.01)
    live.snapshot()

    assert within == [1_000]
    assert reads.times == [1_000, 1_001]


def test_a_snapshot_is_read_once_for_many_threads() -> None:
    """Threads that come together wait for one reading and share it."""
    reads = _Reads()
    live = Live(reads, FakeClock())
    barrier = threading.Barrier(16)
    snapshots = []

    def look() -> None:
        barrier.wait(10)
        snapshots.append(live.snapshot())

    threads = [threading.Thread(target=look) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(reads.times) == 1
    assert len({id(snapshot) for snapshot in snapshots}) == 1
    assert len(snapshots) == 16


@pytest.mark.parametrize("seconds", [-0.001, -3_600], ids=["a-little", "an-hour"])
def test_a_clock_that_was_set_back_refreshes(seconds: float) -> None:
    """Figures from the future are not kept until the clock has caught up."""
    clock, reads = FakeClock(), _Reads()
    live = Live(reads, clock)
    live.snapshot()
    clock.advance(seconds)
    live.snapshot()
    live.snapshot()

    assert len(reads.times) == 2


def test_a_failed_reading_is_tried_again() -> None:
    """An error is the caller's; the next one who looks reads anew."""
    answers: list[Overview | OSError] = [OSError("disk"), OVERVIEW]

    def read(_now: int, _max_rows: int) -> Overview:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    live = Live(read, FakeClock())
    with pytest.raises(OSError, match="disk"):
        live.snapshot()

    assert live.snapshot().overview == OVERVIEW


def test_the_etag_changes_if_and_only_if_the_figures_do(make_site: MakeSite) -> None:
    """Equal figures of another second have the same tag, other figures another."""
    site = make_site()
    site.view("/")
    first = site.tracker.live.snapshot()
    site.clock.advance(5)
    same = site.tracker.live.snapshot()
    site.view("/a/")
    site.clock.advance(5)
    other = site.tracker.live.snapshot()

    assert first is not same
    assert (first.etag, first.body) == (same.etag, same.body)
    assert other.etag != first.etag
    assert first.etag == etag_of(first.body)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        pytest.param(None, None, id="never"),
        pytest.param(0, "1970-01-01T00:00:00Z", id="epoch"),
        pytest.param(1_772_357_400, "2026-03-01T09:30:00Z", id="contract"),
    ],
)
def test_timestamp_is_rfc_3339_in_utc(at: int | None, text: str | None) -> None:
    """Times are written in UTC whatever the server's time zone."""
    assert timestamp(at) == text
