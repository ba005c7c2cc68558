"""What a reader does, and what it has to count: the truth table, row by row.

One scripted reader for each theme and page-fetch delay goes through all rows in their order, in a
browser of its own and with a tracker of its own. After each row two numbers are compared with the
truth: the views that the browser has sent, page by page, and the views that the tracker says it has
counted (a page counts once in 30 minutes for a reader).
"""

import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.books import THEMES, TITLES
from tests.e2e.chrome import Chrome, Tab, browsing, is_whole
from tests.e2e.conftest import ROOT, Library, eventually, fetch_json, tracking
from tests.e2e.servers import Collector, Site
from tests.processes import free_port

DELAYS_MS = (0, 50, 500, 3_000)
# Most of the time is spent waiting for pages that come late.
READERS_AT_ONCE = 4
CLICK_SECONDS = 15.0
"""After which a link is clicked once more: longer than any page here takes."""

Action = Callable[["Reader"], None]


@dataclass
class Reader:
    """Somebody at a browser, and all that can be known about what it counts."""

    name: str
    theme: str
    site: Site
    collector: Collector
    chrome: Chrome
    tracker: str
    tab: Tab
    aside: Tab | None = None

    def is_instant(self) -> bool:
        """Tell whether the theme swaps the page instead of loading another."""
        return self.theme == "material"

    def arrives(self, path: str) -> None:
        """Wait until the reader sees the page at a path: its address and its heading."""
        heading = TITLES[path].replace('"', '\\"')
        self.tab.wait(
            f'location.pathname === "{path}" && document.readyState === "complete" &&'
            f'[...document.querySelectorAll("h1")].some(h => h.textContent.includes("{heading}"))'
        )

    def views(self) -> list[str]:
        """Return the paths of the views sent so far, in their order."""
        return [hit.message["p"] for hit in self.collector.of(self.name, "view")]

    def settles(self) -> None:
        """Let everything that the last action has set off come to its end in the page.

        Two frames and two tasks later every listener and observer has run: the script sends within
        them. What were to come later still fails the row after.
        """
        self.tab.evaluate(
            "new Promise(done => {"
            "const next = document.hidden ? setTimeout : requestAnimationFrame;"
            "next(() => next(() => setTimeout(() => setTimeout(done)))); })"
        )

    def stats(self) -> dict[str, Any]:
        """Return what the tracker says."""
        return fetch_json(f"{self.tracker}/api/stats")


@dataclass(frozen=True)
class Row:
    """One behaviour and its truth."""

    behaviour: str
    """As `docs/counting.md` calls it."""

    shown: tuple[str, ...]
    """The pages that the reader is shown, which is what a view is."""

    counted: int
    """How many of them are views that the statistics do not have yet."""

    act: Action

    whole: bool = False
    """Whether only a whole Chromium can do it."""


@dataclass
class Outcome:
    """What a row has come to."""

    shown: list[str] = field(default_factory=list)
    counted: int = 0
    failure: BaseException | None = None


def _id(name: str) -> str:
    return f'document.getElementById("{name}")'


def _is_at(heading: str) -> str:
    """Return what is true where a jump has led, in JavaScript.

    Material's `navigation.tracking` may write another heading to the address a moment later.
    """
    top = f"{_id(heading)}.getBoundingClientRect().top"
    return f"location.hash === '#{heading}' || Math.abs({top}) < 150"


def _load(reader: Reader) -> None:
    reader.tab.goto(f"{reader.site.url}/")
    reader.arrives("/")


def _scroll(reader: Reader) -> None:
    """Turn the wheel past the headings; Material's `navigation.tracking` follows in the address."""

    def is_past() -> bool:
        reader.tab.wheel(300)
        return bool(reader.tab.evaluate("scrollY > 1000"))

    def is_tracked() -> bool:
        # It follows when the reader rests, and takes no notice of the first rest.
        reader.tab.wheel(-20)
        reader.tab.evaluate("new Promise(done => setTimeout(done, 400))")
        return bool(reader.tab.evaluate("location.hash"))

    eventually(is_past, "the reader is past the headings")
    if reader.is_instant():
        eventually(is_tracked, "the address follows")


def _jump_by(reader: Reader, link: str, heading: str) -> None:
    """Click until the page has jumped, as a reader does: the theme may move the link meanwhile."""

    def leads_there() -> bool:
        reader.tab.click(link)
        return bool(
            reader.tab.evaluate(
                "new Promise(done => { const end = performance.now() + 2000; (function look() {"
                f"if ({_is_at(heading)}) done(true); else if (performance.now() > end) done(false);"
                "else setTimeout(look, 20); })(); })"
            )
        )

    eventually(leads_there, f"the page has jumped to {heading}")


def _use_contents(reader: Reader) -> None:
    outside = "[...document.querySelectorAll('a[href$=\"#part-two\"]')].find(a => "
    link = f"{outside} a.checkVisibility() && !a.closest('article, [role=main]'))"
    _jump_by(reader, link, "part-two")


def _jump(reader: Reader) -> None:
    _jump_by(reader, _id("down"), "part-three")


def _go(reader: Reader, link: str, path: str) -> None:
    """Click a link until the page is on its way, as a reader does: the theme may move it meanwhile.

    Another click on the way loads the page anew, which is to count no more than one.
    """

    def leads_there() -> bool:
        reader.tab.click(link)
        try:
            reader.tab.wait(f'location.pathname === "{path}"', CLICK_SECONDS)
        except AssertionError:
            return False
        return True

    eventually(leads_there, f"a link has led to {path}")
    reader.arrives(path)


def _follow(link: str, path: str) -> Action:
    return lambda reader: _go(reader, _id(link), path)


def _use_navigation(reader: Reader) -> None:
    link = (
        "[...document.querySelectorAll('nav a, .navbar a')].find(a => a.checkVisibility()"
        " && a.pathname === '/third/' && !a.closest('article, [role=main]'))"
    )
    _go(reader, link, "/third/")


def _move(direction: str, path: str) -> Action:
    def move(reader: Reader) -> None:
        reader.tab.evaluate(f"history.{direction}()")
        reader.arrives(path)
        if is_whole() and not reader.is_instant():
            assert reader.tab.evaluate("window.persisted"), "not from the back/forward cache"

    return move


def _reload(reader: Reader) -> None:
    reader.tab.reload()
    reader.arrives("/third/")


def _return(reader: Reader) -> None:
    """Leave the site, and come back to a page that the browser has kept."""
    reader.tab.goto(f"{reader.collector.url}/elsewhere")
    reader.tab.evaluate("history.back()")
    reader.arrives("/third/")
    assert reader.tab.evaluate("window.persisted"), "not from the back/forward cache"


def _miss(reader: Reader) -> None:
    reader.tab.goto(f"{reader.site.url}/missing/")
    events = reader.collector.of
    eventually(lambda: len(events(reader.name, "event")) == 1, "the missing page is reported")


def _enter(path: str) -> Action:
    def enter(reader: Reader) -> None:
        reader.tab.goto(f"{reader.site.url}{path}")
        reader.arrives(path)

    return enter


def _hover(reader: Reader) -> None:
    """Rest the mouse on a link; Material fetches the page in advance."""
    reader.tab.hover(_id("to-dropped"))
    if reader.is_instant():
        fetched = reader.site.fetched
        eventually(lambda: "/dropped/" in fetched(reader.name), "the page is fetched in advance")


def _prerender(reader: Reader, path: str) -> None:
    """Have the browser load a page and run its scripts before anybody asks for it."""
    since = len(reader.chrome.events)
    reader.tab.evaluate(
        "(() => { const rules = document.createElement('script'); rules.type = 'speculationrules';"
        f"""rules.text = '{{"prerender": [{{"urls": ["{path}"]}}]}}';"""
        "document.body.append(rules); })()"
    )
    reader.chrome.wait_event(
        lambda event: (
            event["method"] == "Preload.prerenderStatusUpdated"
            and event["params"]["status"] == "Ready"
            and event["params"]["key"]["url"].endswith(path)
        ),
        since,
        f"{path} is prerendered",
    )
    assert reader.site.prerendered(reader.name, path)


def _prerender_in_vain(reader: Reader) -> None:
    _prerender(reader, "/hidden/")


def _show_prerendered(reader: Reader) -> None:
    _prerender(reader, "/shown/")
    reader.tab.evaluate("void (location.href = '/shown/')")
    reader.arrives("/shown/")
    started = reader.tab.evaluate("performance.getEntriesByType('navigation')[0].activationStart")
    assert started > 0, "loaded anew instead of shown"


def _open_aside(reader: Reader) -> None:
    since = len(reader.chrome.events)
    reader.tab.click(_id("to-aside"), "middle")
    reader.aside = reader.chrome.wait_tab(since)
    reader.aside.wait_page("/aside/")
    assert reader.aside.evaluate("document.hidden")


def _look_aside(reader: Reader) -> None:
    assert reader.aside
    reader.aside.activate()


def _close_aside(reader: Reader) -> None:
    assert reader.aside
    reader.aside.close()
    reader.tab.wait("!document.hidden")


def _change_mind(reader: Reader) -> None:
    reader.tab.evaluate(f"{_id('to-dropped')}.click(), {_id('to-chosen')}.click()")
    reader.arrives("/chosen/")


TRUTH = [
    Row("A page is loaded", ("/",), 1, _load),
    Row("Scrolling past headings", (), 0, _scroll),
    Row("Click in the table of contents", (), 0, _use_contents),
    Row("Link to a heading of the same page", (), 0, _jump),
    Row("Link to another page", ("/second/",), 1, _follow("to-second", "/second/")),
    Row("Link of the navigation", ("/third/",), 1, _use_navigation),
    Row("Back", ("/second/",), 0, _move("back", "/second/")),
    Row("Forward", ("/third/",), 0, _move("forward", "/third/")),
    Row("Reload", ("/third/",), 0, _reload),
    Row("Return from another site (back/forward cache)", ("/third/",), 0, _return, whole=True),
    Row("Link to a heading of another page", ("/fourth/",), 1, _follow("to-part", "/fourth/")),
    Row("Link with a query", ("/fifth/",), 1, _follow("found", "/fifth/")),
    Row("A page that does not exist", (), 0, _miss),
    Row("An address is entered", ("/sixth/",), 1, _enter("/sixth/")),
    Row("The mouse rests on a link (prefetch)", (), 0, _hover),
    Row("Prerendered and never shown", (), 0, _prerender_in_vain, whole=True),
    Row("Prerendered, then shown", ("/shown/",), 1, _show_prerendered, whole=True),
    Row("Opened in a background tab, never shown", (), 0, _open_aside, whole=True),
    Row("The background tab is shown", ("/aside/",), 1, _look_aside, whole=True),
    Row("The tab is closed, the first one shown again", (), 0, _close_aside, whole=True),
    Row("A second click before the page has come", ("/chosen/",), 1, _change_mind),
]

ROWS = [
    pytest.param(number, id=row.behaviour, marks=[pytest.mark.whole] if row.whole else [])
    for number, row in enumerate(TRUTH)
]
JOURNEYS = [(theme, delay) for delay in reversed(DELAYS_MS) for theme in THEMES]


def _walk(reader: Reader) -> list[Outcome]:
    """Go through the rows; what fails is the outcome of its row and of those after it."""
    outcomes: list[Outcome] = []
    for row in TRUTH:
        if row.whole and not is_whole():
            outcomes.append(Outcome())
            continue
        before = reader.views(), sum(outcome.counted for outcome in outcomes)
        try:
            row.act(reader)
            eventually(lambda: len(reader.views()) >= len(before[0]) + len(row.shown), "sent")  # noqa: B023
            reader.settles()
            truth = before[1] + row.counted
            eventually(lambda: reader.stats()["totalPageViews"] >= truth, "counted")  # noqa: B023
        except Exception as error:  # noqa: BLE001  # it is raised again in the row's own test
            return outcomes + [Outcome(failure=error)] * (len(TRUTH) - len(outcomes))
        counted = reader.stats()["totalPageViews"] - before[1]
        outcomes.append(Outcome(reader.views()[len(before[0]) :], counted))
    return outcomes


@dataclass
class Told:
    """What a journey has come to."""

    outcomes: list[Outcome]
    pages: dict[str, tuple[str | None, int]]
    """Title and views by path, by the tracker's account."""


def _read(theme: str, delay: int, site: Site, collector: Collector, folder: Path) -> Told:
    name = f"{theme}-{delay}"
    site.delays[name] = delay / 1_000
    options = ("--manifest", str(site.folder / "stats-manifest.json"))
    (folder / name).mkdir()
    with (
        tracking(folder / name, free_port(), *options) as tracker,
        browsing(folder / name / "profile", name) as chrome,
    ):
        collector.trackers[name] = tracker
        reader = Reader(name, theme, site, collector, chrome, tracker, chrome.open())
        outcomes = _walk(reader)
        # What the last row has set off may come as late as the script's next look, half a second.
        reader.tab.evaluate("new Promise(done => setTimeout(done, 1_200))")
        if not outcomes[-1].failure:
            outcomes[-1].shown = reader.views()[sum(len(o.shown) for o in outcomes[:-1]) :]
        rows = reader.stats()["pageStats"]
        return Told(outcomes, {row["path"]: (row["title"], row["views"]) for row in rows})


@pytest.fixture(scope="session")
def journeys(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    library: Library,
    collector: Collector,
) -> dict[tuple[str, int], Future[Told]]:
    """All journeys that the selected tests ask for, several at a time, the slowest first."""
    folder = tmp_path_factory.mktemp("journeys")
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = {(call.params.get("theme"), call.params.get("delay")) for call in calls if call}
    with ThreadPoolExecutor(READERS_AT_ONCE) as pool:
        sites = {theme: library(theme) for theme, _ in JOURNEYS if theme in dict(wanted)}
        return {
            (theme, delay): pool.submit(_read, theme, delay, sites[theme], collector, folder)
            for theme, delay in JOURNEYS
            if (theme, delay) in wanted
        }


Journeys = dict[tuple[str, int], "Future[Told]"]


@pytest.mark.parametrize("number", ROWS)
@pytest.mark.parametrize(("theme", "delay"), JOURNEYS)
def test_each_behaviour_counts_what_was_shown(
    journeys: Journeys, theme: str, delay: int, number: int
) -> None:
    """The row's pages reach the collector in their order, nothing else does, and they count."""
    row, outcome = TRUTH[number], journeys[theme, delay].result().outcomes[number]
    if outcome.failure:
        raise outcome.failure

    assert outcome.shown == list(row.shown)
    assert outcome.counted == row.counted


@pytest.mark.parametrize(("theme", "delay"), JOURNEYS)
def test_a_whole_journey_leaves_right_paths_and_titles(
    journeys: Journeys, theme: str, delay: int
) -> None:
    """Each page once, under its path, with the title that the manifest gives it."""
    told = journeys[theme, delay].result()

    shown = {path for row in TRUTH for path in row.shown if is_whole() or not row.whole}
    assert told.pages == {path: (TITLES[path], 1) for path in shown}


def test_the_documented_table_is_this_one() -> None:
    """`docs/counting.md` has these rows with these numbers, in this order."""
    text = (ROOT / "docs" / "counting.md").read_text(encoding="utf-8").split("## Others")[0]
    rows = re.findall(r"^\| (.+?) \| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)

    assert rows == [
        (row.behaviour, str(len(row.shown)), str(len(row.shown)), str(row.counted)) for row in TRUTH
    ]
