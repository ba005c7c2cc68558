"""Who asks not to be counted, and what is fetched ahead, leaves nothing behind."""

import json
from typing import Any

import pytest

from tests.server.conftest import MakeSite, Site, session_id
from tests.server.signal_headers import SAID
from tracker_server.signals import SIGNALS, signal_of
from tracker_server.statements import TABLES

CASES = [(said, signal) for signal, those in SAID.items() for said in those]


@pytest.mark.parametrize(("said", "signal"), CASES)
def test_signals(said: dict[str, str], signal: str) -> None:
    """Each header that means it, and none that does not."""
    assert signal_of(lambda name: said.get(name, ""), respect_dnt=True) == signal


def test_a_tracker_may_be_told_to_overlook_do_not_track() -> None:
    """Global Privacy Control is obeyed all the same, and so is a prefetch."""
    said = {"dnt": "1"}
    assert signal_of(lambda name: said.get(name, ""), respect_dnt=False) == ""
    said |= {"purpose": "prefetch"}
    assert signal_of(lambda name: said.get(name, ""), respect_dnt=False) == "prefetch"
    said |= {"sec-gpc": "1"}
    assert signal_of(lambda name: said.get(name, ""), respect_dnt=False) == "privacy_control"


def _send(site: Site, kind: str, headers: dict[str, str], load: int = 1) -> Any:
    message = {"t": kind, "s": session_id(7), "l": f"{load:032x}", "p": "/faq/", "n": "copy"}
    return site.client.post("/api/collect", data=json.dumps(message), headers=headers)


def _everything(site: Site) -> dict[str, list[tuple[Any, ...]]]:
    return {table: sorted(site.rows(f"SELECT * FROM {table}")) for table in sorted(TABLES)}


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(
    ("kind", "status"), [("view", 204), ("beat", 202), ("leave", 202), ("event", 204)]
)
def test_what_has_a_signal_changes_no_row(site: Site, signal: str, kind: str, status: int) -> None:
    """It is answered as ever, and only a number in memory rises."""
    site.view("/")
    before = _everything(site)
    for load, headers in enumerate(SAID[signal], 1):
        assert _send(site, kind, headers, load).status_code == status

    assert _everything(site) == before
    expected = f'tracker_dropped_total{{reason="{signal}"}} {len(SAID[signal])}.0'
    assert expected in site.client.get("/metrics").text


def test_nothing_is_derived_from_the_address_of_who_has_a_signal(make_site: MakeSite) -> None:
    """Not even the visitor of a day, for which the tracker would make a key."""
    site = make_site()
    message = json.dumps({"t": "view", "l": "1" * 32, "p": "/"})
    for headers in ({"DNT": "1"}, {"Sec-GPC": "1"}, {"User-Agent": "curl/8"}):
        answer = site.client.post("/api/collect", data=message, headers=headers)
        assert answer.status_code == 204

    assert not site.tracker.ingest._identity._recent
    assert site.tracker.ingest._identity._salts._day == -1


def test_a_site_may_count_who_says_do_not_track(make_site: MakeSite) -> None:
    """The plugin's `respect_dnt: false` needs the tracker's consent."""
    site = make_site(respect_dnt=False)
    _send(site, "view", {"DNT": "1"})
    _send(site, "view", {"DNT": "1", "Sec-GPC": "1"}, 2)

    assert site.stats()["totalPageViews"] == 1
