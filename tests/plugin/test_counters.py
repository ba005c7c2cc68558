"""Figures of the tracker on pages: those of the build, the last ones when it is away."""

import http.client
import json
import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from mkdocs.exceptions import Abort, ConfigurationError

from mkdocs_stats_plugin.counters import Figures, group, place_counters
from mkdocs_stats_plugin.paths import site_path
from mkdocs_stats_plugin.snapshot import FILE_NAME, Source, parse_snapshot
from tests.plugin.sites import TRACKER, Site, forget_plugins, write_kettle
from tests.processes import Process, free_port
from tests.server.conftest import session_id
from tracker_server.errors import StorageError
from tracker_server.keyring import Keyring
from tracker_server.keys import Keys
from tracker_server.remote import Remote

CONTRACT = Path(__file__).parents[1] / "contract"
STATS = json.loads((CONTRACT / "stats.json").read_text())
REPORT = json.loads((CONTRACT / "report.json").read_text())
ANSWERS = {
    "schema": 1,
    "tracker": TRACKER,
    "taken": 1_767_268_800,
    "stats": STATS,
    "report": REPORT,
}
VIEWS = '<span data-stats="views"></span>'
POPULAR = '<div data-stats="popular" data-limit="2"></div>'
AWAY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _hear_all(caplog: pytest.LogCaptureFixture) -> None:
    """Also what is no warning."""
    caplog.set_level(logging.INFO)


class Tracker:
    """A real tracker that knows a site and has counted a few views."""

    def __init__(self, folder: Path, manifest: Path, **variables: str) -> None:
        folder.mkdir()
        url = f"sqlite:///{folder / 'stats.sqlite3'}"
        self.process = Process(folder, url, STATS_MANIFEST=str(manifest), **variables)
        self.process.wait_until_it_serves()
        self.url = f"http://127.0.0.1:{self.process.port}"
        self._loads = 0

    def view(self, path: str, times: int) -> None:
        """Let so many readers view a page."""
        for _ in range(times):
            self._loads += 1
            load, session = f"{self._loads:032x}", session_id(self._loads)
            message = {"t": "view", "s": session, "l": load, "p": path}
            with closing(self.process.connect()) as connection:
                connection.request("POST", "/api/collect", json.dumps(message))
                assert connection.getresponse().status == http.client.NO_CONTENT


@contextmanager
def _counted(folder: Path) -> Iterator[Tracker]:
    """Count views of the site's pages, and of one that it does not have."""
    manifest = write_kettle(folder / "of the tracker").build().root / "stats-manifest.json"
    tracker = Tracker(folder / "tracker", manifest)
    try:
        for path, times in (("/guide/install/", 5), ("/guide/", 3), ("/", 7), ("/gone/", 4)):
            tracker.view(path, times)
        yield tracker
    finally:
        tracker.process.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracker]:
    """Return a tracker for all that only ask it."""
    forget_plugins()
    with _counted(tmp_path_factory.mktemp("running")) as tracker:
        yield tracker


@pytest.fixture
def asked(site: Site, running: Tracker) -> Tracker:
    """Let the site ask a tracker that nothing happens to."""
    site.options = {"tracker_url": running.url, "snapshot": True}
    return running


@pytest.fixture
def tracker(site: Site, tmp_path: Path) -> Iterator[Tracker]:
    """Let the site ask a tracker of its own."""
    with _counted(tmp_path) as tracker:
        site.options = {"tracker_url": tracker.url, "snapshot": True}
        yield tracker


def _number(html: str) -> str:
    match = re.search(r'data-stats-views="[^"]*">([^<]*)<', html)
    assert match, html
    return match[1]


def _popular(html: str) -> list[tuple[str, str, str]]:
    entry = r'<li><a href="([^"]*)">([^<]*)</a> <small>([^<]*)</small></li>'
    return re.findall(entry, html)


@pytest.mark.usefixtures("asked")
def test_elements_are_filled_at_build_time(site: Site) -> None:
    """Views of the page since ever; the most read pages, linked from where the list stands."""
    site.write("guide/install.md", f"# Install\n\nRead {VIEWS} times.\n\n{POPULAR}\n")
    site.write("unread.md", f"# Unread\n\nRead {VIEWS} times.\n")

    built = site.build()

    html = built.html("guide/install/index.html")
    assert _number(html) == "5"
    assert _popular(html) == [("./", "Install", "5 views"), ("../", "Guide", "3 views")]
    assert _number(built.html("unread/index.html")) == "0"
    assert "counters." not in html
    assert 'data-stats="' not in html


@pytest.mark.usefixtures("asked")
def test_templates_have_the_same(site: Site) -> None:
    """Numbers of the page and of the site, and popular pages with addresses for the filter."""
    site.write("../theme/main.html", "")
    (site.root / "theme").mkdir(exist_ok=True)
    (site.root / "theme" / "main.html").write_text(
        '{% extends "base.html" %}{% block content %}<i>{{ mkdocs_stats.views(page) }}/'
        "{{ mkdocs_stats.views() }}"
        "{% for p in mkdocs_stats.popular(9) %}|{{ p.url | url }} {{ p.title }} {{ p.type }} "
        "{{ p.views }}{% endfor %}|{{ mkdocs_stats.popular(9, type='blog') | length }}</i>"
        "{% endblock %}"
    )
    site.settings = {"theme": {"name": "mkdocs", "custom_dir": "theme"}}

    html = site.build().html("guide/install/index.html")

    assert "<i>5/19|./ Install page 5|../ Guide page 3|0</i>" in html


def test_a_tracker_that_is_not_public_is_asked_with_a_token(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes from the environment of the build, and is in nothing that was built."""
    manifest = site.build().root / "stats-manifest.json"
    (tmp_path / "kept.json").write_bytes(manifest.read_bytes())
    keys = Keys(Keyring(tmp_path / "tracker" / "stats.sqlite3.access"))
    tracker = Tracker(tmp_path / "tracker", tmp_path / "kept.json", STATS_VISIBILITY="private")
    token = keys.make_token("build", "stats:read", "never", 0)
    tracker.view("/guide/install/", 5)
    site.write("guide/install.md", f"# Install\n\nRead {VIEWS} times.\n")
    numbers = {}
    try:
        for name, given in (("without", ""), ("with", token)):
            monkeypatch.setenv("READ_TOKEN", given)
            site.options = {
                "tracker_url": tracker.url,
                "snapshot": True,
                "snapshot_token": os.environ["READ_TOKEN"],
            }
            built = site.build()
            numbers[name] = _number(built.html("guide/install/index.html"))
    finally:
        tracker.process.stop()

    assert numbers == {"without": "\N{EN DASH}", "with": "5"}
    files = [path for path in site.root.rglob("*") if path.is_file() and path.suffix != ".yml"]
    assert [path for path in files if token.encode() in path.read_bytes()] == []


def test_a_token_is_sent_to_the_tracker_and_not_where_it_redirects_to(tmp_path: Path) -> None:
    """Whoever answers for the tracker does not choose who learns the token."""
    heard: list[tuple[str, str | None]] = []

    class Redirecting(BaseHTTPRequestHandler):
        """Sends everybody elsewhere on the same machine."""

        def do_GET(self) -> None:  # the name that the server calls
            """Redirect once."""
            heard.append((self.path, self.headers.get("Authorization")))
            self.send_response(302 if self.path != "/elsewhere" else 404)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/elsewhere")  # type: ignore[attr-defined]
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        Source(address, tmp_path, lambda: 0.0, "secret").read()
        with pytest.raises(StorageError):
            Remote(address, "secret").read()
        server.shutdown()

    assert [said for path, said in heard if path == "/elsewhere"] == [None, None]
    assert [said for path, said in heard if path != "/elsewhere"] == ["Bearer secret"] * 2


def test_a_site_is_built_with_two_requests(
    site: Site, asked: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many pages show a number; and with none where no page does."""
    addresses: list[str] = []
    get = Source._ask

    def note(source: Source, now: float) -> Any:
        addresses.append(source._tracker_url)
        return get(source, now)

    monkeypatch.setattr(Source, "_ask", note)
    site.build()
    without = len(addresses)
    for number in range(20):
        site.write(f"p{number}.md", f"# {number}\n\n{VIEWS}\n\n{POPULAR}\n")
    site.build()

    assert (without, addresses) == (0, [asked.url])


@pytest.mark.parametrize("strict", [True, False])
def test_a_build_without_the_tracker_shows_the_last_figures(
    site: Site, tracker: Tracker, caplog: pytest.LogCaptureFixture, *, strict: bool
) -> None:
    """It says of when they are and does not fail, not even where warnings are errors."""
    site.write("unread.md", f"# Unread\n\n{VIEWS}\n\n{POPULAR}\n")
    before = site.build().html("unread/index.html")
    tracker.process.stop()
    forget_plugins()  # As in a new process.
    caplog.clear()

    after = site.build(strict=strict).html("unread/index.html")

    said = [r for r in caplog.records if "No new figures from" in r.message]
    assert [record.levelno for record in said] == [logging.INFO if strict else logging.WARNING]
    assert "UTC are shown" in said[0].message
    assert _popular(after) == _popular(before) != []


def test_a_first_build_without_the_tracker_has_none(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """A dash, no list, and no failure."""
    site.options = {"tracker_url": AWAY, "snapshot": True}
    site.write("index.md", f"# Home\n\n{VIEWS}\n\n{POPULAR}\n")

    html = site.build().html("index.html")

    assert _number(html) == "\u2013"
    assert "mkdocs-stats-popular" not in html
    assert "there are none" in caplog.text
    assert not (site.root / ".cache").exists()


def test_serve_asks_once_in_ten_minutes(
    site: Site, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preview is built with each key stroke, also by a process that has just started."""
    site.write("index.md", f"# Home\n\n{VIEWS}\n")
    now = 1_767_268_800.0
    monkeypatch.setattr("time.time", lambda: now)
    shown = []
    for passed in (0, 599, 2):
        now += passed
        time.sleep(1.1)  # For so long the tracker's own figures may be old.
        forget_plugins()  # As in a new process.
        shown.append(_number(site.build(command="serve").html("index.html")))
        tracker.view("/", 1)

    assert shown == ["7", "7", "9"]


def test_live_counters_have_a_script_where_they_are(site: Site) -> None:
    """On that page alone, behind the number, and without asking at build time."""
    site.options = {"tracker_url": AWAY, "live_counters": True}
    site.write("guide/install.md", f"# Install\n\n{VIEWS} and {VIEWS}\n")

    built = site.build()

    html = built.html("guide/install/index.html")
    scripts = re.findall(r'<script async src="([^"]*counters\.[0-9a-f]{8}\.js)"([^>]*)>', html)
    assert [attributes for _, attributes in scripts] == [f' data-tracker="{AWAY}"']
    assert (built.root / "guide" / "install" / scripts[0][0]).resolve().is_file()
    assert html.rindex("data-stats-views") < html.index("counters.")
    assert "counters." not in built.html("index.html")


@pytest.mark.parametrize("options", [{}, {"tracker_url": TRACKER, "enabled": False}])
def test_elements_vanish_where_nothing_is_counted(site: Site, options: dict[str, object]) -> None:
    """Without a tracker, or switched off."""
    site.options = options
    site.write("index.md", f"# Home\n\nRead {VIEWS} times.\n\n{POPULAR}\n")

    html = site.build().html("index.html")

    assert "data-stats" not in html
    assert "Read  times." in html


def test_elements_without_the_option_are_a_warning(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """The author is told which option is missing."""
    site.write("index.md", f"# Home\n\n{VIEWS}\n")
    with pytest.raises(Abort):
        site.build()

    assert "index.md: counters need the option 'snapshot' or 'live_counters'" in caplog.text


@pytest.mark.parametrize("option", ["snapshot", "live_counters"])
def test_options_need_a_tracker(site: Site, option: str) -> None:
    """There is nobody to ask."""
    site.options = {option: True}
    with pytest.raises((Abort, ConfigurationError)):
        site.build()


def _figures(document: dict[str, Any] = ANSWERS) -> Figures:
    snapshot = parse_snapshot(document)
    urls = {"/": "", "/guide/install/": "guide/install/", "/blog/2026/first-boil/": "blog/b/"}
    return Figures(lambda: snapshot, lambda: urls, site_path)


def _place(html: str, figures: Figures | None = None) -> str:
    return place_counters(html, figures or _figures(), "/a&b/", link=str, word="views")[0]


@pytest.mark.parametrize(
    ("element", "path"),
    [
        ('<span data-stats="views"></span>', "/a&amp;b/"),
        ("<span data-stats=views></span>", "/a&amp;b/"),
        ("<SPAN class=x data-stats='Views' >\n</SPAN>", "/a&amp;b/"),
        ('<div data-stats="views"></div>', "/a&amp;b/"),
    ],
)
def test_an_element_may_be_written_in_any_way(element: str, path: str) -> None:
    """Minified, with other attributes, in capitals, as a block."""
    placed = _place(f"a{element}b")

    assert f'data-stats-views="{path}">0<' in placed
    assert placed.startswith("a<")


@pytest.mark.parametrize(
    "html",
    [
        "<pre>&lt;span data-stats=&quot;views&quot;&gt;&lt;/span&gt;</pre>",
        '<span data-stats="views">full</span>',
        '<span data-stats="views"></div>',
        '<div data-stats="opt-out"></div>',
        "<div data-stats-page></div>",
    ],
)
def test_what_is_no_such_element_is_left_alone(html: str) -> None:
    """Code that shows the element, and elements of other names."""
    assert _place(html) == html


def test_popular_pages_are_of_this_build_and_escaped() -> None:
    """No link leads to what is gone, and no title is markup."""
    assert _popular(_place('<div data-stats="popular"></div>')) == [
        ("guide/install/", "Install", "734 views"),
        ("blog/b/", "First boil: &quot;fast&quot; &amp; &lt;quiet&gt;", "490 views"),
    ]


@pytest.mark.parametrize(
    ("attributes", "titles"),
    [
        ('data-limit="1"', ["Install"]),
        ('data-limit="0"', []),
        ("data-limit=many", ["Install", "First boil"]),
        ('data-type="blog"', ["First boil"]),
        ('data-type="page" data-limit=9', ["Install"]),
        ('data-type="stats"', []),
    ],
)
def test_popular_pages_can_be_chosen(attributes: str, titles: list[str]) -> None:
    """How many, and of which kind."""
    placed = _place(f'<div data-stats="popular" {attributes}></div>')

    assert [title.partition(":")[0] for _, title, _ in _popular(placed)] == titles


def test_views_beyond_the_list_are_not_known() -> None:
    """Zero is said only where every viewed page is in the answer."""
    more = {**ANSWERS, "stats": {**STATS, "pageCount": 6}}

    assert (_figures().views("nowhere/"), _figures(more).views("nowhere/")) == (0, None)
    assert _figures(more).views("guide/install/") == 700


def _broken() -> Iterator[tuple[str, object]]:
    yield "no-object", []
    yield "version", {**ANSWERS, "schema": 2}
    yield "no-report", {**ANSWERS, "report": {"error": "no"}}
    for key, value in (
        ("totalPageViews", -1),
        ("totalPageViews", True),
        ("uniqueVisitors", "7"),
        ("pageStats", None),
        ("pageStats", [{"path": 1, "title": None, "type": "page", "views": 1}]),
        ("trackingSince", "yesterday"),
    ):
        yield f"{key}-{value}"[:30], {**ANSWERS, "stats": {**STATS, key: value}}
    yield "time", {**ANSWERS, "taken": 10**30}


@pytest.mark.parametrize(
    "document", [pytest.param(document, id=name) for name, document in _broken()]
)
def test_an_answer_that_is_none_is_refused(document: object) -> None:
    """Nothing of it gets onto a page."""
    with pytest.raises(ValueError, match=r".+"):
        parse_snapshot(document)


def test_what_was_kept_is_of_one_tracker(tmp_path: Path) -> None:
    """Figures of another one, of another version, or half a file, are none."""
    file = tmp_path / FILE_NAME
    shown = []
    for content in (
        json.dumps({**ANSWERS, "tracker": AWAY}),
        json.dumps(ANSWERS),
        json.dumps(ANSWERS)[:-9],
    ):
        file.write_text(content)
        snapshot = Source(AWAY, tmp_path, lambda: 0.0).read()
        shown.append(snapshot and snapshot.views)

    assert shown == [1234, None, None]


def test_a_folder_that_cannot_be_written_fails_no_build(
    site: Site, asked: Tracker, caplog: pytest.LogCaptureFixture
) -> None:
    """The figures are shown all the same."""
    (site.root / "taken").write_text("a file")
    site.options["cache_dir"] = "taken/cache"
    site.write("index.md", f"# Home\n\n{VIEWS}\n")

    assert _number(site.build().html("index.html")) == "7"
    assert "cannot be kept" in caplog.text
    assert asked.url in caplog.text


def test_snapshot_has_the_time_of_the_answers() -> None:
    """In UTC."""
    assert parse_snapshot(ANSWERS).taken == datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (12_345, "12\u202f345"), (10**6, "1\u202f000\u202f000")],
)
def test_numbers_are_grouped(number: int, text: str) -> None:
    """By a space, which no language takes for a decimal sign."""
    assert group(number) == text


def test_a_port_that_nobody_has_answers_at_once(tmp_path: Path) -> None:
    """What is refused is not waited for."""
    source = Source(f"http://127.0.0.1:{free_port()}", tmp_path, lambda: 0.0)

    assert source.read() is None
    assert "refused" in source.problem
