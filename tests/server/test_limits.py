"""Who floods is slowed down, who reads is not: through the outermost address and over sockets."""

import http.client
import json
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from tests.processes import Process
from tests.server.conftest import FakeClock, MakeSite, Site, session_id
from tracker_server.config import Settings
from tracker_server.limits import (
    BURST_SECONDS,
    NETWORKS,
    SITE_SHARE,
    SITES,
    TOTAL_SHARE,
    Buckets,
    Limits,
)
from tracker_server.networks import network_of

pytestmark = pytest.mark.sqlite_only("no statement depends on it")

RATE = 2
BURST = RATE * BURST_SECONDS


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """Return a tracker that takes two messages a second from a network."""
    return make_site(rate_limit=RATE)


def _send(
    site: Site, address: str = "192.0.2.7", host: str = "docs.example", forwarded: str | None = None
) -> TestResponse:
    headers = {"Origin": f"https://{host}"}
    if forwarded is not None:
        headers["X-Forwarded-For"] = forwarded
    body = json.dumps({"t": "beat", "s": session_id(0), "l": "1" * 32, "p": "/"})
    return site.client.post(
        "/api/collect", data=body, headers=headers, environ_overrides={"REMOTE_ADDR": address}
    )


def _statuses(site: Site, number: int, address: str = "192.0.2.7") -> Counter[int]:
    return Counter(_send(site, address).status_code for _ in range(number))


def test_a_network_may_send_a_burst_and_then_its_rate(site: Site, clock: FakeClock) -> None:
    """What is too much is 429, with the time to wait; nothing of it is stored."""
    first = _statuses(site, BURST + 5)
    refused = _send(site)
    clock.advance(1)
    second = _statuses(site, 5)
    clock.advance(3_600)
    third = _statuses(site, BURST + 5)

    assert first == {202: BURST, 429: 5}
    assert (refused.status_code, refused.headers["Retry-After"], refused.data) == (429, "1", b"")
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert second == {202: RATE, 429: 5 - RATE}
    assert third == {202: BURST, 429: 5}


def test_a_network_is_24_bits_of_ipv4_and_48_of_ipv6(site: Site) -> None:
    """Whoever owns a network cannot multiply by its addresses; neighbours go on."""
    v4 = Counter(_send(site, f"192.0.2.{n}").status_code for n in range(BURST + 10))
    v6 = Counter(_send(site, f"2001:db8:1:{n:x}::{n:x}").status_code for n in range(BURST + 10))

    assert v4 == v6 == {202: BURST, 429: 10}
    assert _send(site, "192.0.3.1").status_code == 202
    assert _send(site, "2001:db8:2::1").status_code == 202


def test_a_site_and_all_together_are_limited_too(site: Site) -> None:
    """A flood from many networks ends at the site's limit, one over many sites at that of all."""
    to_one = Counter(
        _send(site, f"10.{n // 200}.{n % 200}.1").status_code for n in range(BURST * SITE_SHARE + 7)
    )
    to_many: Counter[int] = Counter()
    for n in range(BURST * TOTAL_SHARE):
        answer = _send(site, f"172.{n // 200}.{n % 200}.1", host=f"site{n % 16}.example")
        to_many[answer.status_code] += 1
    numbers = site.client.get("/metrics").get_data(as_text=True)

    assert to_one == {202: BURST * SITE_SHARE, 429: 7}
    assert to_many[202] == BURST * (TOTAL_SHARE - SITE_SHARE)
    assert 'tracker_dropped_total{reason="site_limit"} 7.0' in numbers
    assert f'tracker_dropped_total{{reason="total_limit"}} {to_many[429]}.0' in numbers
    assert 'tracker_dropped_total{reason="network_limit"} 0.0' in numbers


def test_a_clock_that_is_set_back_stops_nobody(site: Site, clock: FakeClock) -> None:
    """What was due in a future that never was is forgotten."""
    _statuses(site, BURST)
    clock.advance(-7_200)

    assert _statuses(site, BURST) == {202: BURST}


def test_0_limits_nobody(make_site: MakeSite) -> None:
    """For measurements, and for who has limits elsewhere."""
    assert _statuses(make_site(rate_limit=0), 500) == {202: 500}


@pytest.mark.parametrize("header", ["X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP"])
def test_nothing_that_a_reader_writes_makes_another_network(site: Site, header: str) -> None:
    """An untrusted peer is who it is."""
    statuses = Counter(
        site.client.post(
            "/api/collect",
            data="{}",
            headers={header: f"198.51.{n}.1", "X-Forwarded-For": f"198.51.{n}.1"},
            environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
        ).status_code
        for n in range(BURST + 5)
    )

    assert statuses == {400: BURST, 429: 5}


def test_behind_a_trusted_proxy_the_readers_networks_count(make_site: MakeSite) -> None:
    """The last entry of the header is what the proxy saw; what stands before is made up."""
    site = make_site(rate_limit=RATE, trusted_proxies=("10.0.0.0/8",))
    flood = Counter(
        _send(site, "10.0.0.1", forwarded=f"1.2.{n}.4, 192.0.2.7").status_code
        for n in range(BURST + 5)
    )

    assert flood == {202: BURST, 429: 5}
    assert _send(site, "10.0.0.1", forwarded="192.0.3.7").status_code == 202


def test_a_proxy_that_nobody_named_is_not_one_network(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """All readers would share one limit: none is applied, and the log says once what to set."""
    statuses = Counter(
        _send(site, "127.0.0.1", forwarded=f"192.0.2.{n}").status_code for n in range(BURST + 20)
    )
    events = [getattr(record, "event", "") for record in caplog.records]

    assert statuses == {202: BURST + 20}
    assert events == ["proxy_not_trusted"]
    assert "192.0.2" not in caplog.text


def test_the_default_is_more_than_an_office_sends() -> None:
    """A thousand people behind one address who each open a page every 30 seconds.

    A page is a view, a leave and, while it is read, a heartbeat: three messages in 30 seconds.
    """
    clock = FakeClock()
    limits = Limits(Settings().rate_limit, clock)
    refused = 0
    for _second in range(120):
        refused += sum(bool(limits.wait("192.0.2", "docs.example")[0]) for _ in range(100))
        clock.advance(1)
    at_nine_everybody_begins = sum(
        bool(limits.wait("198.51.100", "docs.example")[0]) for _ in range(1_000)
    )

    assert (refused, at_nine_everybody_begins) == (0, 0)


def test_many_networks_take_no_more_memory_than_one() -> None:
    """The table has its size from the start; nothing of an address is kept."""
    limits = Limits(1_000_000, FakeClock())
    limits.wait("192.0.2", "docs.example")
    tracemalloc.start()
    for n in range(3 * NETWORKS):
        limits.wait(network_of(f"{n >> 16}.{n >> 8 & 255}.{n & 255}.1"), f"{n}.example")
    grown, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert grown < 64 * 1_024


def test_nobody_can_choose_whose_slot_it_shares() -> None:
    """Another process has another key, so other names meet."""
    first, second = (Buckets(SITES, 1, key) for key in (b"a" * 16, b"b" * 16))
    names = [f"{n}.example" for n in range(50)]
    slots = [[hash(some._key + name) & some._mask for name in names] for some in (first, second)]

    assert slots[0] != slots[1]


def test_a_quiet_network_keeps_its_success_while_many_flood() -> None:
    """A hundred networks at a hundred times their rate: of ten thousand others' messages, 99 %."""
    clock = FakeClock()
    limits = Limits(10, clock)
    limits._total._interval = limits._sites._interval = 0.0  # Only that of networks is looked at.
    passed = flooded = 0
    for second in range(100):
        for n in range(100):
            flooded += sum(not limits.wait(f"198.51.{n}", "a")[0] for _ in range(100))
        for n in range(100):
            passed += not limits.wait(f"10.{second}.{n}", "a")[0]
        clock.advance(1)

    assert passed >= 9_900
    assert flooded <= 100 * 10 * (100 + BURST_SECONDS)


# --- over sockets ---


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Process]:
    """Run a tracker with a limit."""
    process = Process(tmp_path, "sqlite:///stats.sqlite3", STATS_RATE_LIMIT="5")
    process.wait_until_it_serves()
    yield process
    process.stop()


def _post(process: Process, number: int, *headers: tuple[str, str]) -> http.client.HTTPResponse:
    body = json.dumps({"t": "view", "s": session_id(number), "l": f"{number:032x}", "p": "/"})
    with closing(process.connect()) as connection:
        connection.request("POST", "/api/collect", body, dict(headers))
        answer = connection.getresponse()
        answer.read()
        return answer


def test_the_limit_stands_in_front_of_the_running_server(limited: Process, tmp_path: Path) -> None:
    """The peer's address is the socket's, whatever port it has; no file has it afterwards."""
    answers = [_post(limited, number) for number in range(80)]
    statuses = Counter(answer.status for answer in answers)
    waits = {answer.headers["Retry-After"] for answer in answers if answer.status == 429}
    health = Counter(_get(limited, "/healthz") for _ in range(80))
    limited.stop()
    contents = [path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".txt"]

    assert statuses[204] >= 50
    assert statuses[429] >= 10
    assert set(statuses) == {204, 429}
    assert waits == {"1"}
    assert health == {200: 80}
    assert not any(b"127.0.0" in content for content in contents)


def _get(process: Process, path: str) -> int:
    with closing(process.connect()) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def test_a_flood_from_one_network_leaves_the_others_alone(tmp_path: Path) -> None:
    """One sends as fast as it can, of another one every message is stored."""
    process = Process(tmp_path, "sqlite:///stats.sqlite3", STATS_RATE_LIMIT="5")
    ends = threading.Event()
    flood: Counter[int] = Counter()
    with ExitStack() as stack:
        stack.callback(process.stop)
        process.wait_until_it_serves()
        thread = threading.Thread(target=_flood, args=(process.port, ends, flood))
        thread.start()
        stack.callback(thread.join)
        stack.callback(ends.set)
        began = time.perf_counter()
        for number in range(40):
            assert _post(process, number).status == 204
            time.sleep(0.02)
        while not flood[429] and time.perf_counter() - began < 20:
            time.sleep(0.02)
        took = time.perf_counter() - began

    assert set(flood) == {204, 429}
    assert flood[204] <= 5 * (BURST_SECONDS + took + 1)


def _flood(port: int, ends: threading.Event, statuses: Counter[int]) -> None:
    source = ("127.0.50.1", 0)
    with closing(http.client.HTTPConnection("127.0.0.1", port, source_address=source)) as flooding:
        number = 1_000_000
        while not ends.is_set():
            number += 1
            body = {"t": "view", "s": session_id(number), "l": f"{number:032x}", "p": "/"}
            try:
                flooding.request("POST", "/api/collect", json.dumps(body))
                answer = flooding.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                # The server reads nothing of what it refuses, and closes the connection.
                flooding.close()
                continue
            statuses[answer.status] += 1
