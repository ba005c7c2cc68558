"""Programs are told from readers by their user agents, and what they view is counted apart."""

import json
from typing import Any

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from tests.server.conftest import MakeSite, Site, session_id
from tests.server.user_agents import BOTS, BROWSERS
from tracker_server import bot_counts
from tracker_server.bots import MAX_NAME_CHARS, bot_of
from tracker_server.schema import OTHER

KNOWN = [agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]]
"""What the programs of the list send, 1,500 of them."""
NAMES = {bot_of(agent) for agent in KNOWN} | {OTHER}
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BING = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
INSTALL = "/guide/install/"
DAY = 86_400


@pytest.mark.parametrize("agent", BROWSERS)
def test_no_browser_is_a_program(agent: str) -> None:
    """Neither one in an app, nor one on a phone that is called like a program."""
    assert bot_of(agent) == ""


@pytest.mark.parametrize("agent", BOTS)
def test_programs_are_called_by_their_names(agent: str) -> None:
    """Those of the list as it says, the others not at all."""
    assert bot_of(agent) == BOTS[agent]


def test_nearly_all_programs_of_the_list_are_found() -> None:
    """Less than one in a hundred is not: those that are called what a browser is called."""
    missed = [agent for agent in KNOWN if not bot_of(agent)]

    assert len(KNOWN) > 2_000
    assert len(missed) < len(KNOWN) / 100
    assert len(NAMES) < bot_counts.MAX_BOTS
    assert max(map(len, NAMES)) <= MAX_NAME_CHARS


@given(st.text(max_size=100))
def test_a_name_is_one_of_the_list(text: str) -> None:
    """Nobody makes a name of his own by what he sends."""
    assert bot_of(f"kettlebot {text}") in NAMES


def test_an_empty_user_agent_is_no_program() -> None:
    """A proxy may have taken it away."""
    assert bot_of("") == ""


def _send(site: Site, agent: str, path: str = "/faq/", kind: str = "view", load: int = 1) -> Any:
    message = {"t": kind, "s": session_id(0), "l": f"{load:032x}", "p": path, "n": "copy"}
    headers = {"User-Agent": agent}
    return site.client.post("/api/collect", data=json.dumps(message), headers=headers)


def _report(site: Site, query: str = "") -> dict[str, Any]:
    site.tracker.reports.forget()
    answer = site.client.get(f"/api/report{query}")
    assert answer.status_code == 200
    report = answer.get_json()
    assert isinstance(report, dict)
    return report


def test_views_of_programs_are_in_a_list_of_their_own(site: Site) -> None:
    """They are views of no reader: no total, page, session or visitor knows of them."""
    site.view("/", reader=1)
    for load, agent in enumerate([GOOGLE, BING, GOOGLE], 1):
        assert _send(site, agent, load=load).status_code == 204
    report = _report(site)

    assert report["bots"] == [{"bot": "Googlebot", "views": 2}, {"bot": "bingbot", "views": 1}]
    assert report["botViews"] == 3
    assert (report["views"], report["visitors"]) == (1, 1)
    assert [page["path"] for page in report["pages"]] == ["/"]
    assert site.stats()["activeVisitors"] == 1
    assert site.rows("SELECT count(*) FROM view") == [(1,)]
    assert site.rows("SELECT count(*) FROM visitor") == [(1,)]
    assert site.rows("SELECT count(*) FROM load") == [(1,)]


def test_views_of_programs_are_counted_by_page_and_day(site: Site) -> None:
    """So that a page which only programs look at can be told from one that nobody looks at."""
    for agent in (GOOGLE, BING):
        _send(site, agent, INSTALL)
    _send(site, BING, "/")
    site.view("/")
    site.clock.advance(DAY)
    _send(site, BING, INSTALL)

    assert _report(site, "?page=/guide/install/")["botViews"] == 3
    assert _report(site, "?page=/guide/install/&period=today")["botViews"] == 1
    assert _report(site, "?page=/guide/install/")["bots"] is None
    assert _report(site, "?period=today")["bots"] == [{"bot": "bingbot", "views": 1}]
    assert _report(site, "?country=AT")["bots"] is None
    assert _report(site, "?country=AT")["botViews"] is None


def test_programs_add_no_path(site: Site) -> None:
    """They try addresses that nobody has linked; these are other ones, however many there are."""
    for number in range(20):
        _send(site, GOOGLE, f"/wp-admin/{number}/")
    paths = "SELECT text, count FROM bot_count JOIN path ON path.id = path_id"

    assert site.rows(paths) == [(OTHER, 20)]
    assert site.rows("SELECT count(*) FROM path WHERE text LIKE '/wp-admin/%%'") == [(0,)]


def test_a_full_list_of_names_counts_the_rest_as_others(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every list that others write into."""
    monkeypatch.setattr(bot_counts, "MAX_BOTS", 1)
    for agent in (GOOGLE, BING, "curl/8.0", GOOGLE):
        _send(site, agent)

    assert _report(site)["bots"] == [
        {"bot": "(other)", "views": 2},
        {"bot": "Googlebot", "views": 2},
    ]


@pytest.mark.parametrize(
    ("kind", "status"), [("view", 204), ("beat", 202), ("leave", 202), ("event", 204)]
)
def test_a_program_is_answered_like_a_reader(site: Site, kind: str, status: int) -> None:
    """It learns nothing, and leaves nothing but a number."""
    reader = site.send(kind, "/faq/", n="copy")
    answer = _send(site, GOOGLE, kind=kind, load=9)

    assert answer.status_code == reader.status_code == status
    assert answer.headers == reader.headers
    assert answer.data == reader.data
    assert _report(site)["botViews"] == (kind == "view")
    assert 'tracker_dropped_total{reason="bot"} 1.0' in site.client.get("/metrics").text


def test_a_malformed_message_of_a_program_is_refused(site: Site) -> None:
    """As that of anybody."""
    answer = site.client.post("/api/collect", data="{}", headers={"User-Agent": GOOGLE})

    assert (answer.status_code, answer.headers["X-Stats-Refused"][:2]) == (400, "t:")


def test_programs_are_counted_on_paths_that_readers_made_known(make_site: MakeSite) -> None:
    """Where no manifest says which pages there are."""
    site = make_site()
    _send(site, GOOGLE, "/new/")
    site.view("/new/")
    _send(site, GOOGLE, "/new/")

    assert _report(site, "?page=/new/")["botViews"] == 1
    assert _report(site)["botViews"] == 2


@pytest.mark.sqlite_only("it is about a page; no statement depends on it")
def test_the_page_shows_programs_behind_a_tab(site: Site) -> None:
    """Beside windows and browsers, in both languages."""
    site.view("/")
    _send(site, GOOGLE)
    english = site.client.get("/stats?client=bots&lang=en").text
    german = site.client.get("/stats?list=bots&lang=de").text

    for page in (english, german):
        assert 'data-list="bots"' in page
        assert "Googlebot" in page
    assert ">Program</th>" in english
    assert ">Programm</th>" in german
