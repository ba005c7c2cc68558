"""A slow disk asks browsers for fewer heartbeats, and nobody vanishes for obeying."""

import pytest

from tests.server.conftest import FakeClock, MakeSite, Site
from tracker_server.pressure import Pressure

pytestmark = pytest.mark.sqlite_only("no statement depends on it")


class _SlowDisk:
    """A timer by which every commit takes so many seconds."""

    def __init__(self, site: Site) -> None:
        self.seconds = 0.0
        self._now = 0.0
        site.tracker.recorder._timer = self

    def __call__(self) -> float:
        self._now += self.seconds
        return self._now


def _beat(site: Site) -> bytes:
    answer = site.send("beat", "/faq/")
    assert answer.status_code == 202
    site.clock.advance(10)  # The next one writes again.
    return bytes(answer.data)


def _settle(site: Site) -> bytes:
    for _ in range(20):
        _beat(site)
    return _beat(site)


@pytest.mark.parametrize(
    ("seconds", "body"),
    [(0.001, b""), (0.2, b""), (0.3, b"."), (0.9, b"."), (1.1, b".."), (30.0, b"..")],
)
def test_the_answer_to_a_heartbeat_says_how_seldom_to_beat(
    site: Site, seconds: float, body: bytes
) -> None:
    """Nothing while commits are quick, then one dot, then two."""
    _SlowDisk(site).seconds = seconds

    assert _settle(site) == body


def test_one_slow_commit_says_nothing_and_a_quick_disk_takes_it_back(site: Site) -> None:
    """The mean of the last commits counts."""
    disk = _SlowDisk(site)
    disk.seconds = 1.2
    once = _beat(site)
    long = _settle(site)
    disk.seconds = 0.001
    after = _settle(site)

    assert (once, long, after) == (b"", b"..", b"")


def test_only_heartbeats_are_answered_with_a_body(site: Site) -> None:
    """A view is 204, which has none, and after a leave nobody waits."""
    _SlowDisk(site).seconds = 2.0
    _settle(site)

    assert site.send("view", "/faq/").data == b""
    assert site.send("leave", "/faq/").data == b""


def test_who_beats_as_seldom_as_asked_stays_active(make_site: MakeSite, clock: FakeClock) -> None:
    """Two minutes and a little without a heartbeat are no end then; four are."""
    site = make_site()
    disk = _SlowDisk(site)
    disk.seconds = 2.0
    _settle(site)
    clock.advance(130)
    site.tracker.recorder.clean_up()
    seldom = site.stats()["activeVisitors"]
    clock.advance(110)

    assert (seldom, site.stats()["activeVisitors"]) == (1, 0)


def test_the_longer_timeout_ends_five_minutes_after_it_was_needed() -> None:
    """And a clock that is set back does not make it last."""
    pressure = Pressure()
    for _ in range(30):
        pressure.note(5.0)
    assert pressure.level(1_000.0) == 2

    assert pressure.patience(1_300.0) == 2
    assert pressure.patience(1_301.0) == 1
    assert pressure.patience(500.0) == 1


def test_housekeeping_goes_on_under_pressure(site: Site) -> None:
    """A disk that is always slow still gets rid of what is of no more use."""
    _SlowDisk(site).seconds = 2.0
    site.view("/faq/")
    _settle(site)
    site.clock.advance(1_800)
    _settle(site)  # The browsers are asked again.
    site.tracker.recorder.clean_up()

    assert site.rows("SELECT count(*) FROM visit") == [(0,)]
