"""What was counted under a former path is shown with the page, as if it had always been there."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import MakeDatabase, MakeSite, Site
from tests.server.content.manifests import bot_view, deploy, page
from tracker_server.admission import share_cookie
from tracker_server.catalogue import REPORTS
from tracker_server.credentials import SHARE, Grant
from tracker_server.keyring import Keyring, keyring_file
from tracker_server.model import Received, View
from tracker_server.queries.moved import Moves

DAY, HOUR, MINUTE = 86_400, 3_600, 60
DAYS = 5
HOME, OLDER, OLD, NEW, FAQ, DE = "/", "/older/", "/old/", "/new/", "/faq/", "/de/new/"
"""The second and the third become former paths of the fourth."""
ALIASES = OLDER, OLD, NEW
OTHERS = HOME, FAQ, DE
ZONES, LANGUAGES = ("Europe/Vienna", "Asia/Tokyo"), ("en", "de", "fr")
SITES = ("https://a.example/", "https://b.example/")
PERIODS = ("today", "7d", "all")
QUESTIONS: tuple[dict[str, str], ...] = (
    *({"period": period, "compare": "1"} for period in PERIODS),
    {"limit": "1"},
    {"limit": "2", "grain": "week"},
    {"grain": "hour", "period": "7d"},
    {"country": "AT"},
    {"referrer": "a.example"},
    {"page": NEW},
    {"page": NEW, "compare": "1", "period": "today"},
    {"page": NEW, "grain": "hour", "period": "7d"},
    {"page": NEW, "country": "JP"},
    {"page": FAQ},
)
BY_NATURE = {"moves", "deploys"}
"""Reports about the moves themselves: former paths, and which pages came and went."""
CONTENT: tuple[tuple[str, dict[str, str]], ...] = (
    *((report.name, {}) for report in REPORTS if report.name not in BY_NATURE),
    *((report.name, {"page": NEW}) for report in REPORTS if report.of_page),
    ("feedback", {"headings": "1"}),
    ("stale", {"min_days": "0"}),
    ("never-read", {"min_age": "0", "period": "today"}),
)
HEADINGS = [
    {"id": name, "title": name, "level": 2, "words": words}
    for name, words in (("one", 40), ("two", 60))
]


def _page(path: str, **keys: Any) -> dict[str, Any]:
    said = {"title": "A page", "words": 100, "headings": HEADINGS, "updated": "2024-05-01"}
    return page(path, **{**said, "language": "de" if path == DE else "en", **keys})


def _build(site: Site, *paths: str, **head: Any) -> None:
    """Put a manifest in force in which each page leads to the one before it."""
    deploy(site, *(_page(path, links=[HOME]) for path in paths), **head)


def _move(site: Site) -> None:
    """One former path is known from the history of the page, the other from a redirect."""
    pages = (_page(path, links=[HOME]) for path in OTHERS)
    moved = _page(NEW, links=[HOME], formerly=[OLD])
    deploy(site, *pages, moved, redirects={OLDER: NEW}, commit="moved")


def _live(site: Site, seed: int, aliases: Mapping[str, str]) -> None:
    """Let readers come for some days; each views the page at most once a visit, by any path.

    A visit begins more than half an hour after the one before it: within that time the tracker
    counts a path once, and could not know that two were one page.
    """
    dice = random.Random(seed)
    for _ in range(DAYS):
        for _ in range(12):
            _visit(site, dice, aliases)
        while not site.tracker.store.clean_up(int(site.clock.now)):
            pass
        site.clock.now += DAY - site.clock.now % DAY + 10 * HOUR
    for reader in range(4):  # Some are still there, and in no set yet.
        site.view(aliases[dice.choice(ALIASES)], reader)


def _visit(site: Site, dice: random.Random, aliases: Mapping[str, str]) -> None:
    reader = dice.randrange(8)
    came_from = dice.choice((*SITES, None))
    said = {"z": dice.choice(ZONES), "g": dice.choice(LANGUAGES)}
    for path in dice.sample([aliases[dice.choice(ALIASES)], *OTHERS], dice.randint(1, 4)):
        site.view(path, reader, r=came_from, **said)
        came_from = None
        site.clock.advance(MINUTE)
        seen = {"one": dice.randrange(20_000), "two": dice.choice((0, 9_000))}
        times = {"v": 50_000, "a": dice.randrange(50_000), "d": dice.randrange(101)}
        site.send("leave", path, reader, **times, h=seen)
        _act(site, dice, path, aliases[dice.choice(ALIASES)], reader)
    bot_view(site, path)
    site.clock.advance(HOUR)


def _act(site: Site, dice: random.Random, path: str, target: str, reader: int) -> None:
    """Let a reader do one of the things that are counted."""
    what = dice.choice(
        (
            {
                "n": "feedback",
                "c": dice.randrange(2),
                "k": dice.choice(("", "good", "bad")),
                "h": dice.choice(("one", "two", None)),
            },
            {"n": "tab", "c": dice.randrange(2), "k": dice.choice(("Linux", "macOS"))},
            {"n": "anchor", "k": dice.choice(("three", "ones")), "r": dice.choice(SITES)},
            {"n": "search", "c": dice.randrange(3), "k": "kettle", "u": target},
            {"n": "copy", "c": dice.randrange(2), "k": "python"},
            {"n": "outbound", "k": dice.choice(SITES)},
        )
    )
    assert site.send("event", path, reader, **what).status_code == 204


def _ask(site: Site, route: str, **query: str) -> Any:
    answer = site.client.get(route, query_string=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json() if answer.is_json else answer.get_data(as_text=True)


def _shown(site: Site, now: float) -> dict[str, Any]:
    """Return all that is answered about pages at a moment; deploys are left out."""
    site.clock.now = now
    found: dict[str, Any] = {"stats": _ask(site, "/api/stats")}
    found["shorter"] = _ask(site, "/api/stats", limit="2")
    for question in QUESTIONS:
        found[f"report {question}"] = {**_ask(site, "/api/report", **question), "deploys": []}
    for name, question in CONTENT:
        found[f"{name} {question}"] = _ask(site, f"/api/content/{name}", **question)
    for path in (NEW, FAQ):
        found[f"counter {path}"] = _ask(site, "/api/counters", path=path)
        for metric in ("views", "readers", "visitors"):
            found[f"badge {metric} {path}"] = _ask(site, "/badge.svg", path=path, metric=metric)
    return found


def _stored(site: Site) -> dict[str, list[Any]]:
    """Return all that was counted."""
    tables = (
        *("view", "visit", "day_visitors", "day_count", "total_count", "event_count"),
        *("day_reading", "day_heading", "bot_count", "path"),
    )
    return {table: sorted(site.rows(f"SELECT * FROM {table}")) for table in tables}


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_a_page_that_was_always_there(
    make_site: MakeSite, make_database: MakeDatabase, seed: int
) -> None:
    """Whatever readers did under three paths; and all is apart again when the move is undone."""
    always, never, moved = (make_site(database_url=make_database()) for _ in range(3))
    start = moved.clock.now
    for site in (always, never, moved):
        site.clock.now = start
        aliases = {path: NEW if site is always else path for path in ALIASES}
        _build(site, *OTHERS, *dict.fromkeys(aliases.values()))
        _live(site, seed, aliases)
    end, stored = moved.clock.now, _stored(moved)

    _move(moved)
    expected, together = (_shown(site, end + 10) for site in (always, moved))
    for name, figures in expected.items():
        assert together[name] == figures, name
    assert {row["path"] for row in together["stats"]["pageStats"]} == {*OTHERS, NEW}
    assert _stored(moved) == stored

    _build(moved, *OTHERS, *ALIASES, commit="undone")
    # What is remembered longest is read again, and readers are still there.
    expected, apart = (_shown(site, end + 80) for site in (never, moved))
    for name, figures in expected.items():
        assert apart[name] == figures, name
    assert {row["path"] for row in apart["stats"]["pageStats"]} == {*OTHERS, *ALIASES}


@pytest.fixture
def kettle(make_site: MakeSite) -> Site:
    """A tracker of a page that was viewed under two paths, one of which it has lost since."""
    site = make_site()
    _build(site, HOME, OLD, FAQ)
    for reader in range(3):
        site.view(OLD, reader)
    site.clock.advance(2 * DAY)
    deploy(site, _page(HOME), _page(FAQ), _page(NEW, formerly=[OLD]), redirects={"/never/": NEW})
    for reader in range(2, 4):
        site.view(NEW, reader)
    return site


@pytest.mark.parametrize("former", [OLD, "/never/"])
def test_a_former_path_answers_as_its_page(kettle: Site, former: str) -> None:
    """Also one that was never viewed; what was asked for is said beside it."""
    answer, of_page = (_ask(kettle, "/api/report", page=path) for path in (former, NEW))

    assert (answer["path"], answer["filters"]["page"]) == (NEW, former)
    assert (answer["views"], answer["visitors"]) == (5, 4)
    assert answer == {**of_page, "filters": answer["filters"]}
    assert _ask(kettle, "/api/counters", path=former)["counters"] == [
        {"path": former, "views": 5, "activeVisitors": 2}
    ]
    assert all(
        _ask(kettle, "/badge.svg", path=former, metric=metric)
        == _ask(kettle, "/badge.svg", path=NEW, metric=metric)
        for metric in ("views", "readers", "visitors")
    )
    shown = _ask(kettle, "/stats", page=former)
    assert "A page" in shown
    for report in (report for report in REPORTS if report.of_page):
        rows = (
            _ask(kettle, f"/api/content/{report.name}", page=path)["rows"] for path in (former, NEW)
        )
        assert next(rows) == next(rows), report.name


def test_lists_are_cut_after_figures_are_together(make_site: MakeSite) -> None:
    """A page is first by the sum of three paths of which none would be in the list."""
    site = make_site()
    _build(site, *OTHERS, *ALIASES)
    for path, readers in ((HOME, 4), (FAQ, 3), (OLDER, 2), (OLD, 2), (NEW, 2)):
        for reader in range(readers):
            site.view(path, reader)
    _move(site)
    site.clock.advance(10)

    stats, report = (
        site.client.get("/api/stats?limit=2").get_json(),
        _ask(site, "/api/report", limit="2"),
    )
    assert [(row["path"], row["views"]) for row in stats["pageStats"]] == [(NEW, 6), (HOME, 4)]
    assert [(row["path"], row["views"]) for row in report["pages"]] == [(NEW, 6), (HOME, 4)]
    assert stats["pageCount"] == 3


def test_a_step_from_a_former_path_to_the_page_is_no_way_to_another(make_site: MakeSite) -> None:
    """Who read on while the page moved has two views and one visit, and went to no other page."""
    site = make_site()
    _build(site, HOME, OLD, FAQ)
    for reader in range(4):
        site.view(OLD, reader)
    site.clock.advance(MINUTE)
    _move(site)
    for reader in range(4):
        site.view(NEW, reader)
    site.clock.advance(MINUTE)
    for reader in range(3):
        site.view(FAQ, reader)

    report = _ask(site, "/api/report", page=NEW)
    assert (report["views"], report["visits"], report["visitors"]) == (8, 4, 4)
    assert [(row["path"], row["count"]) for row in report["next"]] == [(FAQ, 3)]
    assert [(row["path"], row["count"]) for row in report["exitPages"]] == [(NEW, 1)]
    ways = _ask(site, "/api/content/paths")["rows"]
    assert [(way["from"], way["to"], way["views"]) for way in ways] == [(NEW, FAQ, 3)]


def test_a_deploy_that_moves_a_page_changes_it(make_site: MakeSite) -> None:
    """It was not removed and another added: its views before are compared with those after."""
    site = make_site()
    _build(site, HOME, OLD)
    site.view(HOME)
    site.clock.advance(2 * DAY)
    for reader in range(3):
        site.view(OLD, reader)
    site.clock.advance(DAY)
    deploy(site, _page(HOME), _page(NEW, formerly=[OLD]))
    site.clock.advance(DAY)
    for reader in range(2):
        site.view(NEW, reader)
    site.clock.advance(DAY)

    found = site.client.get("/api/content/deploys?days=1").get_json()["rows"]
    rows = [(row["path"], row["kind"], row["viewsBefore"], row["viewsAfter"]) for row in found]
    assert rows == [(NEW, "changed", 3, 2)]


def test_many_former_paths_of_one_page(make_site: MakeSite) -> None:
    """No statement has more terms or parameters than a database takes."""
    site = make_site(max_unknown_paths=3_000)
    former = [f"/former/{number}/" for number in range(1_500)]
    views = [View(number % 7 + 1, number, path) for number, path in enumerate(former)]
    site.tracker.store.write([Received(int(site.clock.now), view) for view in views])
    deploy(site, _page(HOME), redirects=dict.fromkeys(former, HOME))
    site.clock.advance(10)

    report = _ask(site, "/api/report", page=HOME)
    assert (report["views"], report["visitors"]) == (1_500, 7)
    stats = site.client.get("/api/stats").get_json()
    assert [(row["path"], row["views"]) for row in stats["pageStats"]] == [(HOME, 1_500)]
    assert (stats["pageCount"], stats["totalPageViews"]) == (1, 1_500)
    assert _ask(site, "/api/counters", path=former[0])["counters"][0]["views"] == 1_500


def test_rows_are_put_together_by_their_keys() -> None:
    """Rows of others stay as they are; without moves all do."""
    moves = Moves([("/old/", 5, 1), ("/older/", 6, 1), ("/never/", None, 2)])
    rows = [(5, 10, 3), (1, 10, 4), (6, 11, 5), (7, 10, 6)]

    assert sorted(moves.fold(rows, keys=2)) == [(1, 10, 7), (1, 11, 5), (7, 10, 6)]
    assert sorted(moves.fold(rows, 1, max)) == [(1, 11, 5), (7, 10, 6)]
    assert moves.fold_ids([(5, 6), (7, 1)], 0, 1) == [(1, 1), (7, 1)]
    assert moves.paths_of(1, 2, 7) == {1, 2, 5, 6, 7}
    assert Moves().fold(rows) is rows


def _links(site: Site, *sections: str) -> dict[str, dict[str, str]]:
    """Return the headers of those who opened a link of a section."""
    ring = Keyring(keyring_file(site.tracker.settings))
    now = int(site.clock.now)
    found = {}
    for section in sections:
        grant = Grant(
            kind=SHARE,
            name=section,
            scope="stats:read",
            section=section,
            created=now,
            expires=now + DAY,
        )
        _, grant = ring.add(grant)
        found[section] = {"Cookie": f"__Host-stats_share={share_cookie(ring, grant)}"}
    return found


@pytest.mark.parametrize(
    "route", ["/api/report?page=", "/stats?page=", "/api/counters?path=", "/badge.svg?path="]
)
def test_a_link_of_a_section_goes_by_where_the_page_is_now(
    make_site: MakeSite, tmp_path: Path, route: str
) -> None:
    """Figures belong to the page: a link sees them below its path now, and not where it was."""
    site = make_site(visibility="private", access_file=str(tmp_path / "stats.access"))
    old, new = "/old/boil/", "/new/boil/"
    _build(site, HOME, old)
    for reader in range(3):
        site.view(old, reader)
    roles = _links(site, "/old/", "/new/")

    def statuses() -> dict[tuple[str, str], int]:
        return {
            (section, path): site.app.test_client(use_cookies=False)
            .get(f"{route}{path}", base_url="https://stats.example", headers=headers)
            .status_code
            for section, headers in roles.items()
            for path in (old, new)
        }

    apart = {("/old/", old): 200, ("/old/", new): 403, ("/new/", old): 403, ("/new/", new): 200}
    assert statuses() == apart
    deploy(site, _page(HOME), _page(new, formerly=[old]))
    assert statuses() == {
        ("/old/", old): 403,
        ("/old/", new): 403,
        ("/new/", old): 200,
        ("/new/", new): 200,
    }
    _build(site, HOME, old, commit="undone")
    assert statuses() == apart
