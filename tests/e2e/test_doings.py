"""What readers do on a page, in a real Chromium on each theme: what the reports say of it is exact.

A site of its own, the real plugin, a real tracker; one reader types, clicks, copies, rates and
scrolls.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.e2e.conftest import build_site, eventually, fetch_json, serving, tracking
from tests.processes import free_port

TABBED = """# Tabs

=== "Linux"

    apt

=== "Mac *OS*"

    brew

Either way.

=== "Windows"

    winget

=== "Mac *OS*"

    brew
"""
FORMS = """# Forms

## Boil

<div data-stats="feedback"></div>

## Pour

<div data-stats="feedback"></div>
"""
THEMES = ("mkdocs", "readthedocs", "material")
FINAL_MS = 1_600
"""How long a text must stay as it is to be what was searched for, and something more."""
HOME = """# Kettle

<div data-stats="feedback"></div>

```python
import kettle
```

```console
$ kettle boil
```

[Elsewhere](https://elsewhere.example/page) and [a file](kettle.zip)
"""
TABS = {"pymdownx.tabbed": {"alternate_style": True}}
HIGHLIGHTED: list[Any] = [
    {"pymdownx.highlight": {"pygments_lang_class": True}},
    "pymdownx.superfences",
]
"""As Material's documentation advises. Without the option a block does not say its language."""
FEATURES = ["navigation.instant", "content.code.copy", "content.tabs.link"]
LONG = "# Long\n\nIt begins.\n\n" + "\n\n".join(
    f"## {title} part\n\n{text * 300}"
    for title, text in (
        ("First", "It boils and it tells. "),
        ("Second", "Flask is a flask. "),
        ("Third", "The end comes. "),
    )
)
FLASK = "# Flask\n\nHow to put a flask on a kettle.\n"


class Doings:
    """A site, its tracker, and a reader's page."""

    def __init__(self, theme: str, site: str, tracker: str, page: Page) -> None:
        self.theme, self.site, self.tracker, self.page = theme, site, tracker, page

    def open(self, path: str = "/") -> None:
        """Go to a page, and wait until the second script is there."""
        self.page.goto(self.site + path)
        self.page.wait_for_function(
            "performance.getEntriesByType('resource').some(({ name }) => /extras/.test(name))"
        )
        self.page.wait_for_timeout(700)

    def leave(self) -> None:
        """Let what waits be said."""
        self.page.goto("about:blank")

    def rows(self, report: str, **parameters: str) -> list[tuple[Any, ...]]:
        """Return the rows of a report."""
        more = "".join(f"&{name}={value}" for name, value in parameters.items())
        found = fetch_json(f"{self.tracker}/api/content/{report}?period=7d{more}")
        return [tuple(row.values()) for row in found["rows"]]

    def expect(self, report: str, check: Callable[[list[tuple[Any, ...]]], bool]) -> None:
        """Wait until a report, which is at most ten seconds old, says what it should."""
        seen: list[Any] = []

        def holds() -> bool:
            seen[:] = [self.rows(report)]
            return check(seen[0])

        try:
            eventually(holds, report, 30)
        except AssertionError:
            raise AssertionError(f"{report}: {seen}") from None


def _extensions(theme: str) -> list[Any]:
    if theme == "material":
        return [*HIGHLIGHTED, TABS]
    # One theme has the classic style, of which each label stands behind its button.
    return ["fenced_code", TABS if theme == "mkdocs" else "pymdownx.tabbed"]


def _settings(theme: str, url: str, tracker: str) -> dict[str, Any]:
    named: dict[str, Any] = {"name": theme}
    if theme == "material":
        named |= {"font": False, "features": FEATURES}
    else:
        named |= {"highlightjs": False}
    rating = {"icon": "material/thumb-up-outline", "note": "Thanks!"}
    ratings = [rating | {"name": "Yes", "data": 1}, rating | {"name": "No", "data": 0}]
    return {
        "site_name": "Kettle",
        "site_url": f"{url}/",
        "theme": named,
        "markdown_extensions": _extensions(theme),
        "extra": {
            "analytics": {"feedback": {"title": "Helpful?", "ratings": ratings}},
        },
        "plugins": ["search", {"stats": {"tracker_url": tracker, "track_local": True}}],
    }


@pytest.fixture(scope="module", params=THEMES)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, str]]:
    """Build and serve the site in a theme, and run a tracker; yields theme and addresses."""
    theme, site_port, tracker_port = request.param, free_port(), free_port()
    url, tracker = f"http://127.0.0.1:{site_port}", f"http://127.0.0.1:{tracker_port}"
    folder = tmp_path_factory.mktemp(theme)
    docs = folder / "docs"
    docs.mkdir()
    (docs / "index.md").write_text(HOME)
    (docs / "flask.md").write_text(FLASK)
    (docs / "long.md").write_text(LONG)
    (docs / "tabbed.md").write_text(TABBED)
    (docs / "forms.md").write_text(FORMS)
    (docs / "kettle.zip").write_bytes(b"PK")
    config = folder / "mkdocs.yml"
    config.write_text(json.dumps(_settings(theme, url, tracker)))
    build_site(config, folder / "site")
    manifest = str(folder / "site" / "stats-manifest.json")
    with (
        serving(folder / "site", site_port),
        tracking(folder, tracker_port, "--manifest", manifest),
    ):
        yield theme, url, tracker


@pytest.fixture
def doings(running: tuple[str, str, str], chromium: Browser) -> Iterator[Doings]:
    """Open a browser of a reader of its own."""
    context = chromium.new_context(viewport={"width": 1_400, "height": 800})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.route("https://elsewhere.example/**", lambda route: route.fulfill(body="there"))
    yield Doings(*running, context.new_page())
    context.close()


def _search_box(doings: Doings) -> Locator:
    page = doings.page
    if doings.theme == "material":
        page.keyboard.press("f")
        return page.locator(".md-search__input")
    if doings.theme == "mkdocs":
        page.locator("[data-bs-target='#mkdocs_search_modal']").first.click()
    else:
        doings.open("/search.html")
    return page.locator("#mkdocs-search-query")


def test_searches(doings: Doings) -> None:
    """Two queries, typed letter by letter: each once, with its results, and the click."""
    doings.open()
    box = _search_box(doings)
    expect(box).to_be_visible()
    box.press_sequentially("flsk", delay=120)
    doings.page.wait_for_timeout(FINAL_MS)
    box.fill("")
    box.press_sequentially("flask", delay=120)
    doings.page.wait_for_timeout(FINAL_MS)
    inside = ".md-search-result" if doings.theme == "material" else "#mkdocs-search-results"
    doings.page.locator(f"{inside} a[href*='flask']").first.click()
    doings.page.wait_for_url("**/flask/**")
    doings.leave()

    doings.expect("searches", lambda rows: len(rows) == 2 and rows[1][5] == 1)
    vain, found = doings.rows("searches")
    assert vain == ("flsk", 1, 1, 0, 0.0, 0, None, None)
    assert (found[:4], found[5:]) == (("flask", 1, 0, 0), (1, "/flask/", "Flask"))
    assert found[4] >= 1


def test_a_search_that_waits_for_its_results(doings: Doings) -> None:
    """On a slow line they come after the query is final, and count all the same."""
    waiting: list[Route] = []
    doings.page.route("**/search_index.json", lambda route: waiting.append(route))  # noqa: PLW0108  # Playwright marks it
    doings.open()
    box = _search_box(doings)
    box.press_sequentially("kettle", delay=120)
    doings.page.wait_for_timeout(FINAL_MS)
    assert waiting
    for route in waiting:
        route.continue_()
    doings.page.wait_for_timeout(FINAL_MS)
    box.press("Shift")  # The built-in search looks at the box at a key only.
    inside = ".md-search-result" if doings.theme == "material" else "#mkdocs-search-results"
    expect(doings.page.locator(f"{inside} a").first).to_be_visible()
    doings.page.wait_for_timeout(FINAL_MS)
    doings.leave()

    doings.expect("searches", lambda rows: "kettle" in {row[0] for row in rows})
    (row,) = (row for row in doings.rows("searches") if row[0] == "kettle")
    assert row[1:4] == (1, 0, 1)
    assert row[4] >= 1


def test_feedback(doings: Doings) -> None:
    """One click and a comment on the neutral widget; on Material its own form as well."""
    doings.open()
    widget = doings.page.locator(".mkdocs-stats-feedback")
    widget.locator("button[data-md-value='0']").click()
    expect(widget.locator("div[data-md-value='0']")).to_be_visible()
    comment = widget.locator("[data-stats-comment]")
    comment.fill("The second command fails, mail me at ada@example.org")
    comment.press("Enter")
    comment.blur()
    expected = [("/", "Kettle", "negative", "The second command fails, mail me at *", 1)]
    if doings.theme == "material":
        form = doings.page.locator("form.md-feedback")
        form.scroll_into_view_if_needed()
        form.locator("button[data-md-value='1']").click()
        expected.append(("/", "Kettle", "positive", "", 1))
    doings.leave()

    ratings = len(expected)
    doings.expect("feedback", lambda rows: bool(rows) and sum(rows[0][3:5]) == ratings)
    assert doings.rows("feedback")[0][3:5] == (ratings - 1, 1)
    assert [row[:5] for row in doings.rows("comments")] == expected[:1]


def test_copies(doings: Doings) -> None:
    """A selection is copied twice and counts once; a button counts as well; never the text."""
    doings.open()
    page = doings.page
    page.locator("pre").first.evaluate(
        "pre => getSelection().selectAllChildren(pre.querySelector('code') ?? pre)"
    )
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+c")
    if doings.theme == "material":
        page.locator("[data-clipboard-target]").nth(1).click(force=True)
    else:
        page.locator("pre").nth(1).evaluate("pre => getSelection().selectAllChildren(pre)")
        page.keyboard.press("Control+c")
    doings.leave()

    doings.expect("code-copies", lambda rows: len(rows) == 2)
    assert sorted(row[2:5] for row in doings.rows("code-copies")) == [
        (1, "python", 1),
        (2, "console", 1),
    ]
    assert "import kettle" not in json.dumps(doings.rows("code-copies"))


def test_links_out(doings: Doings) -> None:
    """A link to another site and a file; neither is held up."""
    doings.open()
    with doings.page.expect_download():
        doings.page.get_by_role("link", name="a file").click()
    doings.page.get_by_role("link", name="Elsewhere").click()
    doings.page.wait_for_url("https://elsewhere.example/page")

    doings.expect("links-out", lambda rows: len(rows) == 2)
    # What looks like an address of a machine is blotted out.
    host = doings.site.replace("127.0.0.1", "***")
    assert sorted(row[2:] for row in doings.rows("links-out")) == [
        (f"{host}/kettle.zip", "download", 1),
        ("https://elsewhere.example/page", "outbound", 1),
    ]


def test_sections(doings: Doings) -> None:
    """Scrolled to the second part and left there: that is where the reader stopped."""
    doings.open("/long/")
    doings.page.wait_for_timeout(2_000)
    doings.page.locator("#second-part").evaluate("e => scrollTo(0, e.offsetTop)")
    doings.page.wait_for_timeout(3_000)
    doings.leave()

    doings.expect("sections", lambda rows: "second-part" in {row[3] for row in rows})
    rows = {row[3]: row for row in doings.rows("sections", page="/long/")}
    assert [(rows[name][5], rows[name][8]) for name in ("long", "first-part")] == [(1, 0), (1, 0)]
    assert (rows["second-part"][5], rows["second-part"][8]) == (1, 1)
    assert rows["second-part"][7] == pytest.approx(3, abs=1)
    assert rows["third-part"][5] == 0


def test_tabs(doings: Doings) -> None:
    """Each choice once, with its label and set; none at load, none that follows another."""
    for _ in range(2):  # Material remembers the choice and has it open the second time.
        doings.open("/tabbed/")
        doings.page.locator("label", has_text="Mac OS").first.click()
        doings.page.wait_for_timeout(300)
        doings.page.locator("label", has_text="Linux").click()
    doings.page.locator("label", has_text="Windows").click()
    # It is open already, and is no choice.
    doings.page.locator("label", has_text="Windows").click()
    doings.leave()

    # In a theme without a style of its own for tabs the second set opens with the first of its own.
    own = doings.theme == "material"
    choices = 5 if own else 4
    doings.expect("tabs", lambda rows: sum(row[4] for row in rows) == choices)
    assert doings.rows("tabs") == [
        ("/tabbed/", "Tabs", 1, "Linux", 2, 0.5),
        ("/tabbed/", "Tabs", 1, "Mac OS", 2, 0.5),
        *[("/tabbed/", "Tabs", 2, "Windows", 1, 1.0)] * own,
    ]


def test_anchors_that_are_not_there(doings: Doings) -> None:
    """From another site, typed and within the site; what is there or is no anchor is not told."""
    page, long = doings.page, f"{doings.site}/long/"
    context = page.context
    links = [f"{long}#second-part", f"{long}#secnd-part", f"{long}#access_token=c0ffee"]
    body = "".join(f'<a id="a{n}" href="{link}">x</a>' for n, link in enumerate(links))
    # From an encrypted page to one that is not, a browser says no referrer.
    context.route(
        "http://blog.example/**",
        lambda route: route.fulfill(body=body, content_type="text/html"),
    )
    for number, _ in enumerate(links):
        page.goto("http://blog.example/page")
        page.locator(f"#a{number}").click()
        page.wait_for_url("**/long/*")
        page.wait_for_timeout(2_000)
    for anchor in ("", "#secnd-part", "#:~:text=flask", "#long", "#some%20words"):
        page.goto("about:blank")
        doings.open(f"/long/{anchor}")
    # Two looks at the same page, and a move within it.
    page.evaluate("location.hash = '#no-matter'")
    page.wait_for_timeout(1_500)
    # Under instant navigation this is the same document.
    doings.open("/")
    page.evaluate(
        "url => { const a = document.createElement('a'); a.href = url; a.textContent = 'go';"
        " document.querySelector('h1').after(a); a.click() }",
        f"{long}#lost",
    )
    page.wait_for_url("**/long/#lost")
    page.wait_for_timeout(2_500)
    doings.leave()

    doings.expect("broken-anchors", lambda rows: sum(row[6] for row in rows) == 3)
    meant = ("second-part", "Second part", "similar", 0.952)
    assert [row[4:] for row in doings.rows("broken-anchors")] == [
        ("Long", "secnd-part", 2, ["blog.example (1)"], *meant),
        ("Long", "lost", 1, [], None, None, None, None),
    ]


def test_feedback_by_heading(doings: Doings) -> None:
    """Two forms on a page: each opens its own field, and is told with its heading."""
    doings.open("/forms/")
    first, second = doings.page.locator(".mkdocs-stats-feedback").all()
    second.locator("button[data-md-value='0']").click()
    expect(second.locator("div[data-md-value='0']")).to_be_visible()
    expect(second.locator("[data-stats-comment]")).to_be_visible()
    expect(first.locator("div[data-md-value='0']")).to_be_hidden()
    expect(first.locator("[data-stats-comment]")).to_be_hidden()
    expect(first.locator("button").first).to_be_enabled()
    expect(second.locator("button").first).to_be_disabled()
    comment = second.locator("[data-stats-comment]")
    comment.fill("It spills")
    comment.blur()
    expect(comment).to_be_disabled()
    first.locator("button[data-md-value='1']").click()
    doings.leave()

    doings.expect(
        "feedback", lambda rows: any((row[0], *row[3:5]) == ("/forms/", 1, 1) for row in rows)
    )
    doings.expect("comments", lambda rows: any(row[0] == "/forms/" for row in rows))
    found = [row for row in doings.rows("feedback", headings="1") if row[0] == "/forms/"]
    assert [row[2:] for row in found] == [
        ("Pour", "pour", 1, 0, 1, 0.0, None),
        ("Boil", "boil", 1, 1, 0, 1.0, None),
    ]
    comments = [row[2:5] for row in doings.rows("comments") if row[0] == "/forms/"]
    assert comments == [("negative", "It spills", 1)]
