"""The made-up history: the same each time, believable, marked, and never among real figures."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine

from tests.server.conftest import CONTRACT, NOON, MakeDatabase, MakeSite, Site
from tracker_server.base import Base
from tracker_server.cli import main
from tracker_server.config import Settings
from tracker_server.demo_data import fill
from tracker_server.demo_readers import DAYS, deploys, history
from tracker_server.enrich import campaign_of, country_of, device_of, host_of, language_of
from tracker_server.maintenance import check
from tracker_server.model import (
    Event,
    Heading,
    Leave,
    Message,
    NotFound,
    Page,
    Received,
    View,
)
from tracker_server.packing import day_of
from tracker_server.paths import normalise_path

MANIFEST = CONTRACT / "manifest.json"
AT = int(NOON)
TODAY = day_of(AT)
EPOCH = date(1970, 1, 1)


def _page(path: str, kind: str = "page", **more: Any) -> Page:
    return Page(path, path.strip("/"), path.strip("/").title() or "Home", kind, **more)


PUBLISHED = EPOCH + timedelta(days=TODAY - 40)
PAGES = (
    _page("/", "home", published=True),
    _page("/install/", published=True),
    *(_page(f"/guide/{name}/", published=True) for name in ("alpha", "bravo", "gamma", "delta")),
    _page("/blog/news/", "post", published=True, date=PUBLISHED.isoformat()),
    _page("/blog/old/", "post", published=True, date="2024-05-01"),
    _page("/draft/", published=False),
    _page("/stats/", "stats", published=True),
)


@pytest.fixture(scope="module")
def messages() -> list[Received]:
    """Ninety days of a small site."""
    return [*history(PAGES, AT, 1)]


def _views(messages: list[Received]) -> list[tuple[int, View]]:
    return [(r.at, r.message) for r in messages if isinstance(r.message, View)]


def test_the_same_seed_and_moment_make_the_same_history(messages: list[Received]) -> None:
    """Message by message; another seed makes another one."""
    assert [*history(PAGES, AT, 1)] == messages
    assert [*history(PAGES, AT, 2)] != messages


def test_history_is_in_order_and_ends_now(messages: list[Received]) -> None:
    """Every day has views, none of them comes from the future."""
    times = [received.at for received in messages]

    assert times == sorted(times)
    assert times[-1] <= AT
    assert {day_of(at) for at, _ in _views(messages)} == {*range(TODAY - DAYS + 1, TODAY + 1)}


def test_history_says_nothing_that_a_browser_could_not_say(messages: list[Received]) -> None:
    """Each value is one that the way in would have let through unchanged."""
    countries = {country_of(zone) for zone in ("Europe/Vienna", "Asia/Tokyo", "America/New_York")}
    views = [view for _, view in _views(messages)]

    assert countries <= {view.country for view in views}
    assert {view.device for view in views} == {device_of(width) for width in (400, 800, 1_600)}
    assert all(language_of(view.language) == view.language for view in views)
    referrers = {r.message.referrer for r in messages if isinstance(r.message, View | NotFound)}
    assert {host_of(f"https://www.{host}/") for host in referrers if host} == referrers - {""}
    campaigns = {view.campaign for view in views} - {""}
    names = ("utm_source", "utm_medium", "utm_campaign")
    queries = {urlencode(dict(zip(names, c.split("/"), strict=True))): c for c in campaigns}
    assert len(campaigns) == 3
    assert all(campaign_of(query) == campaign for query, campaign in queries.items())
    assert all(normalise_path(r.message.path) == r.message.path for r in messages)


def test_history_has_the_shape_of_a_week_and_of_a_day(messages: list[Received]) -> None:
    """Weekends and nights are quieter; there is growth from the first to the last month."""
    times = [datetime.fromtimestamp(at, UTC) for at, _ in _views(messages)]
    weekdays = Counter(time.weekday() for time in times)
    hours = Counter(time.hour for time in times)
    calm = [view for view in _views(messages) if view[1].referrer == "google.com"]
    first = sum(day_of(at) < TODAY - 60 for at, _ in calm)
    last = sum(TODAY - 31 < day_of(at) < TODAY for at, _ in calm)

    assert max(weekdays[5], weekdays[6]) < 0.7 * min(weekdays[day] for day in range(4))
    assert max(hours[hour] for hour in range(2, 5)) < 0.6 * hours[15]
    assert last > 1.15 * first


def test_history_has_a_release_that_fades_and_a_front_page(messages: list[Received]) -> None:
    """The newest post is what is announced; the busiest day is that of the front page."""
    views = _views(messages)
    days = Counter(day_of(at) for at, _ in views)
    news = Counter(day_of(at) for at, view in views if view.path == "/blog/news/")
    front = Counter(day_of(at) for at, view in views if view.referrer == "news.ycombinator.com")
    published = TODAY - 40

    assert min(news) == published
    assert news[published] > 3 * news[published + 6] > 0
    assert days.most_common(1)[0][0] == front.most_common(1)[0][0]


def test_readers_lose_interest_from_section_to_section(messages: list[Received]) -> None:
    """What is further down is reached by fewer; no other figure depends on the headings."""
    rows = tuple(Heading(f"h{n}", f"Section {n}", 2, 40 + 10 * n) for n in range(5))
    pages = [replace(p, headings=rows) if p.path == "/install/" else p for p in PAGES]
    reached: Counter[str] = Counter()
    with_sections = [r for r in history(pages, AT, 1) if not _is_of_a_heading(r.message)]
    for received, plain in zip(with_sections, messages, strict=True):
        message = received.message
        about = message.before if isinstance(message, View) else message
        if isinstance(about, Leave) and about.engagement and about.engagement.sections:
            assert about.path == "/install/"
            assert max(about.engagement.sections.values()) <= about.engagement.visible
            reached.update(about.engagement.sections.keys())
            about.engagement.sections = None
        if isinstance(message, Event):
            message.heading = ""
        assert received == plain

    counts = [reached[row.anchor] for row in rows]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 100
    assert 0.2 * counts[0] < counts[-1] < 0.8 * counts[0]


def _is_of_a_heading(message: Message) -> bool:
    return isinstance(message, Event) and message.name == "anchor"


def test_history_has_every_kind_of_reader(messages: list[Received]) -> None:
    """Some come again on another day, some search in vain, rate, or find nothing there."""
    days: dict[int, set[int]] = {}
    for at, view in _views(messages):
        days.setdefault(view.session, set()).add(day_of(at))
    said: list[Message] = [r.message for r in messages]
    events = [message for message in said if isinstance(message, Event)]
    searches = [event for event in events if event.name == "search"]
    ratings = Counter(event.number for event in events if event.name == "feedback")

    assert 0.05 < sum(len(some) > 1 for some in days.values()) / len(days) < 0.5
    assert 0.05 < sum(event.number == 0 for event in searches) / len(searches) < 0.4
    assert any(event.target for event in searches)
    assert ratings[1] > ratings[0] > 0
    assert len({m.path for m in said if isinstance(m, NotFound) and m.referrer}) >= 3
    assert not {"/draft/", "/stats/"} & {message.path for message in said}


def test_history_has_tabs_lost_anchors_and_rated_headings() -> None:
    """Tabs where there is code; anchors that are not there; ratings below headings that are."""
    rows = tuple(Heading(f"step-{n}", f"Step {n}", 2, 40) for n in range(3))
    pages = [replace(p, headings=rows, code_lines=4) for p in PAGES]
    events = [r.message for r in history(pages, AT, 1) if isinstance(r.message, Event)]
    anchors = [event for event in events if event.name == "anchor"]

    assert {event.number for event in events if event.name == "tab"} == {0, 1}
    assert len({event.label for event in events if event.name == "tab"}) == 3
    assert {event.label for event in anchors} == {"step_0", "step_1", "step_2"}
    assert len({event.referrer for event in anchors}) > 2
    assert {event.heading for event in events if event.name == "feedback"} == {
        row.anchor for row in rows
    }


def test_deploys_are_those_that_readers_hear_of() -> None:
    """The release is the build of the day of the newest post; each is named."""
    builds = deploys(PAGES, AT)
    days = [day_of(at) for at, _ in builds]

    assert [label for _, label in builds] == ["v1.3", "v1.4", "v1.4.1"]
    assert days == [TODAY - 89, TODAY - 40, TODAY - 9]
    assert [label for _, label in deploys(PAGES, AT, 4)] == ["v1.3"]


def test_history_of_a_site_without_pages_is_empty() -> None:
    """Nobody reads what is not there."""
    assert [*history(PAGES[-2:], AT, 1)] == []


def _fill(url: str, days: int = 4, at: float = NOON) -> int:
    settings = Settings(database_url=url)
    return fill(settings, MANIFEST, at, seed=1, days=days).views


def _tables(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows, without the numbers that PostgreSQL goes on counting."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = {
            name: [
                tuple(row)[name in {"view", "not_found", "day_run"} :]
                for row in connection.execute(table.select().order_by(*table.c))
            ]
            for name, table in Base.metadata.tables.items()
        }
    engine.dispose()
    return rows


def test_fill_makes_figures_that_a_recount_confirms(make_site: MakeSite, database_url: str) -> None:
    """They are what the same messages would have made; what the window left behind is sealed."""
    views = _fill(database_url)
    checked = check(Settings(database_url=database_url))
    site = make_site(manifest=str(MANIFEST))
    figures = site.stats()

    assert checked.is_clean, checked.lines
    assert figures["totalPageViews"] == views > 100
    assert figures["demo"] is True
    assert figures["pageStats"][0]["title"] is not None
    reading = site.client.get("/api/report?period=all").get_json()["reading"]
    assert min(reading[name] for name in ("completed", "bounced", "searched")) > 0
    # The tracker that was started has found its manifest in force.
    assert site.rows("SELECT label FROM deploy") == [("v1.3",)]
    assert site.rows(f"SELECT count(*) FROM visit WHERE last < {AT - 1_800}") == [(0,)]
    assert site.rows("SELECT count(*) FROM day_visitors")[0][0] > 4


def test_fill_again_begins_anew(make_database: MakeDatabase) -> None:
    """Nothing of the history before is left."""
    once, twice = make_database(), make_database()
    _fill(once)
    _fill(twice, days=6, at=NOON - 86_400)
    _fill(twice)

    assert _tables(twice) == _tables(once)


def test_fill_refuses_real_readers(site: Site, database_url: str) -> None:
    """One view, or one missing page, that nobody made up: nothing changes."""
    site.send("event", "/gone/", n="not_found")
    site.tracker.close()
    before = _tables(database_url)
    result = _run(database_url)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "real readers" in result.stderr
    assert _tables(database_url) == before


def test_figures_of_real_readers_are_not_marked(site: Site) -> None:
    """The mark is there and says no."""
    site.view("/")

    assert site.stats()["demo"] is False


@pytest.mark.sqlite_only("it is about the lock of the file")
@pytest.mark.usefixtures("site")
def test_fill_refuses_a_file_that_a_tracker_has(database_url: str) -> None:
    """Its memory would no longer be that of the tables."""
    result = _run(database_url)

    assert result.exit_code == 1
    assert "in use by another tracker" in result.stderr


def _run(url: str, *more: str, manifest: Path = MANIFEST) -> Result:
    arguments = ["demo-data", "--database-url", url, "--days", "2", "--manifest", str(manifest)]
    return CliRunner().invoke(main, [*arguments, *more])


def test_command_says_what_it_made(database_url: str) -> None:
    """One line."""
    result = _run(database_url, "--seed", "3")

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("2 days made up: ")
    assert result.stdout.endswith(" visitors\n")


@pytest.mark.sqlite_only("what is wrong is not the database")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param("{", "not JSON", id="broken"),
        pytest.param(
            json.dumps({"schema": 1, "site_name": "", "site_url": None, "pages": []}),
            "no published page",
            id="empty",
        ),
    ],
)
def test_command_refuses_what_is_no_manifest(
    database_url: str, tmp_path: Path, content: str | None, said: str
) -> None:
    """The file and the reason, in one line, and no database is made."""
    file = tmp_path / "manifest.json"
    if content is not None:
        file.write_text(content)
    result = _run(database_url, manifest=file)

    assert result.exit_code == 1
    assert said in result.stderr
    assert str(file) in result.stderr
    assert not [*tmp_path.glob("*.sqlite3*")]


@pytest.mark.sqlite_only("it is not about the database")
def test_command_needs_a_manifest(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of usage."""
    monkeypatch.delenv("STATS_MANIFEST", raising=False)
    result = CliRunner().invoke(main, ["demo-data", "--database-url", database_url])

    assert result.exit_code == 2
    assert "stats-manifest.json" in result.stderr


def test_command_needs_a_database_that_can_be_had(tmp_path: Path) -> None:
    """No stack of calls for a wrong address."""
    for url in ("mysql://a/b", f"sqlite:///{tmp_path}/no/such/folder.sqlite3", "sqlite://"):
        result = _run(url)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")
        assert "Traceback" not in result.output
