"""`visitor_id: daily`: one reader on one day, and nothing that leads back to an address."""

import json
import stat
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import NOON, FakeClock, MakeSite, Site
from tracker_server.identity import DailyIdentity, Salts, client_address, shortened

pytestmark = pytest.mark.sqlite_only("no statement depends on who sent a message")

DAY = 86_400
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
MIDNIGHT = NOON + DAY / 2


def _identity(file: Path, clock: FakeClock) -> DailyIdentity:
    return DailyIdentity(Salts(file), clock, window_seconds=1_800)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the keys go."""
    return tmp_path / "stats.salts"


def _visit(site: Site, path: str = "/", keys: dict[str, str] | None = None, **environ: Any) -> int:
    environ = {"REMOTE_ADDR": "192.0.2.7", "HTTP_USER_AGENT": AGENT, **environ}
    site._loads += 1
    body = json.dumps({"t": "view", "l": f"{site._loads:032x}", "p": path, **(keys or {})})
    return site.client.post("/api/collect", data=body, environ_overrides=environ).status_code


def test_without_a_session_id_network_and_browser_make_the_visitor(site: Site) -> None:
    """The same ones are one visitor on one day, others are others."""
    statuses = [
        _visit(site, "/"),
        _visit(site, "/faq/"),
        _visit(site, "/", REMOTE_ADDR="192.0.2.200"),  # The same network of 256 addresses.
        _visit(site, "/", REMOTE_ADDR="192.0.3.7"),
        _visit(site, "/", HTTP_USER_AGENT="other"),
    ]

    assert statuses == [204] * 5
    assert site.stats()["uniqueVisitors"] == 3
    assert site.stats()["totalPageViews"] == 4


def test_a_session_id_that_is_none_is_the_visitor_of_the_day(site: Site) -> None:
    """What else a site keeps under the script's key, its readers count."""
    statuses = [_visit(site, "/"), _visit(site, "/faq/", {"s": "dark"})]

    assert statuses == [204, 204]
    assert site.stats()["uniqueVisitors"] == 1
    assert site.stats()["totalPageViews"] == 2


def test_the_next_day_is_another_visitor(site: Site) -> None:
    """Nobody can be followed from one day to the next."""
    _visit(site)
    site.clock.advance(DAY)
    _visit(site)

    assert site.stats()["uniqueVisitors"] == 2


def test_a_session_over_midnight_is_not_split(file: Path, clock: FakeClock) -> None:
    """Who was here within the window keeps the id, and goes on keeping it while it lasts."""
    identity = _identity(file, clock)
    clock.now = MIDNIGHT - 60
    before = identity.session("site", "192.0.2.7", AGENT)
    clock.now = MIDNIGHT + 60
    after = identity.session("site", "192.0.2.7", AGENT)
    newcomer = identity.session("site", "198.51.100.1", AGENT)
    clock.advance(1_700)
    later = identity.session("site", "192.0.2.7", AGENT)
    clock.advance(1_800)
    again = identity.session("site", "192.0.2.7", AGENT)

    assert before == after == later
    assert again not in {before, newcomer}


def test_another_site_or_key_is_another_id(file: Path, tmp_path: Path, clock: FakeClock) -> None:
    """Readers cannot be followed between sites, nor between trackers."""
    one = _identity(file, clock)
    other = _identity(tmp_path / "other.salts", clock)
    ids = {
        one.session("a.example", "192.0.2.7", AGENT),
        one.session("b.example", "192.0.2.7", AGENT),
        other.session("a.example", "192.0.2.7", AGENT),
    }

    assert len(ids) == 3


def test_a_restart_and_a_second_process_have_the_same_key(file: Path, clock: FakeClock) -> None:
    """The key of the day is in the file, for its owner alone."""
    first = _identity(file, clock).session("site", "192.0.2.7", AGENT)
    second = _identity(file, clock).session("site", "192.0.2.7", AGENT)

    assert first == second
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_is_destroyed_after_the_day_after(file: Path) -> None:
    """The file has the key of today and that of yesterday, and no older one."""
    made = iter([bytes([n]) * 32 for n in range(1, 5)])
    salts = Salts(file, lambda _size: next(made))
    for day in (10, 11, 12):
        salts.of(day)
    said = file.read_text()

    assert bytes([1] * 32).hex() not in said
    assert bytes([2] * 32).hex() in said
    assert bytes([3] * 32).hex() in said


def test_after_a_day_without_readers_no_old_key_is_left(file: Path) -> None:
    """The key before is that of the day before, or none."""
    salts = Salts(file)
    old, _ = salts.of(10)

    assert salts.of(12)[1] == b""
    assert old.hex() not in file.read_text()


def test_a_clock_that_is_set_back_brings_no_key_back(file: Path) -> None:
    """Nor does it make new ones again and again."""
    made = []

    def make(size: int) -> bytes:
        made.append(size)
        return bytes([len(made)] * size)

    salts = Salts(file, make)
    today = salts.of(11)
    yesterday = salts.of(10)
    again = salts.of(11)

    assert today == yesterday == again
    assert made == [32]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"day": 1}', b'{"day": "x", "current": "", "before": ""}']
)
def test_a_file_that_was_cut_short_is_made_anew(file: Path, content: bytes) -> None:
    """A crash while it was written costs the key of the day, not the service."""
    file.write_bytes(content)

    assert len(Salts(file).of(5)[0]) == 32


def test_neither_address_nor_browser_is_on_the_disk(make_site: MakeSite, tmp_path: Path) -> None:
    """No file of the tracker has a byte of them."""
    site = make_site()
    _visit(site, REMOTE_ADDR="203.0.113.77", HTTP_USER_AGENT="Very Special Browser")
    site.tracker.close()
    contents = [path.read_bytes() for path in tmp_path.iterdir()]

    assert len(contents) >= 2
    for text in (b"203.0.113", b"Special", bytes([203, 0, 113])):
        assert not any(text in content for content in contents)


def test_keys_that_cannot_be_written_are_503(make_site: MakeSite, tmp_path: Path) -> None:
    """Nothing is stored under a key that would be gone after a restart."""
    site = make_site(salt_file=str(tmp_path / "no" / "such" / "folder"))

    assert _visit(site) == 503
    assert site.stats()["totalPageViews"] == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        pytest.param("192.0.2.7", "192.0.2.0", id="ipv4"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1::", id="ipv6"),
        pytest.param("::ffff:192.0.2.7", "192.0.2.0", id="ipv4-in-ipv6"),
        pytest.param("fe80::1%eth0", "fe80::", id="zone"),
        pytest.param("unknown", "unknown", id="none"),
        pytest.param("", "", id="empty"),
    ],
)
def test_addresses_are_shortened_to_networks(address: str, network: str) -> None:
    """256 addresses of IPv4, a site of IPv6."""
    assert shortened(address) == network


@pytest.mark.parametrize(
    ("peer", "header", "address"),
    [
        pytest.param("198.51.100.1", "192.0.2.7", "198.51.100.1", id="untrusted-peer"),
        pytest.param("10.0.0.1", "192.0.2.7", "192.0.2.7", id="trusted-proxy"),
        pytest.param("10.0.0.1", "1.2.3.4, 192.0.2.7", "192.0.2.7", id="forged-first-entry"),
        pytest.param("10.0.0.1", "192.0.2.7, 10.0.0.2", "192.0.2.7", id="two-proxies"),
        pytest.param("10.0.0.1", "10.0.0.3", "10.0.0.3", id="proxy-alone"),
        pytest.param("10.0.0.1", "", "10.0.0.1", id="no-header"),
        pytest.param("10.0.0.1", "rubbish", "rubbish", id="rubbish"),
        pytest.param("::1", "2001:db8::1", "2001:db8::1", id="ipv6"),
        pytest.param("", "192.0.2.7", "", id="unix-socket"),
    ],
)
def test_the_address_is_believed_from_trusted_proxies_only(
    peer: str, header: str, address: str
) -> None:
    """What a reader puts in front of the header does not choose who the reader is."""
    trusted = [ip_network("10.0.0.0/8"), ip_network("::1")]

    assert client_address(peer, header, trusted) == address


def test_a_trusted_proxy_is_a_setting(make_site: MakeSite) -> None:
    """Behind it readers are told apart; without the setting the proxy is the one reader."""
    site = make_site(trusted_proxies=("10.0.0.0/8",))
    for network in range(3):
        _visit(site, REMOTE_ADDR="10.1.1.1", HTTP_X_FORWARDED_FOR=f"192.0.{network}.7")

    assert site.stats()["uniqueVisitors"] == 3
