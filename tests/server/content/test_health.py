"""What to fix next: the numbers of the other reports, weighed by hand."""

import csv
import io
from pathlib import Path
from typing import Any

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import deploy, page
from tracker_server.content_reports.health import FINDINGS

ROOT = Path(__file__).parents[3]


def _reason(code: str, report: str, count: int, points: float) -> dict[str, Any]:
    return {"code": code, "report": report, "count": count, "points": points}


def _search(site: Site, path: str, reader: int, query: str, *results: int) -> None:
    """Let a reader skim a page and search on it, once for each number of results."""
    load = f"{reader:032x}"
    site.view(path, reader, l=load)
    skimmed = site.send("leave", path, reader, l=load, v=20_000, a=15_000, d=60)
    assert skimmed.status_code == 202
    for count in results:
        found = site.send("event", path, reader, l=load, n="search", k=query, c=count)
        assert found.status_code == 204


def _read(site: Site) -> None:
    """Let readers find one thing of each kind."""
    heading = {"id": "b", "title": "B", "level": 1, "words": 9}
    deploy(
        site,
        page("/", nav=3, updated="2025-12-30"),
        page("/a/", nav=1, updated="2025-01-01", links=["/b/"], anchors=["/b/#gone"]),
        page("/b/", nav=2, updated="2025-12-30", words=9, headings=[heading]),
        page("/c/", created="2025-06-01"),
        redirects={"/moved/": "/b/"},
    )
    for reader in range(3):
        site.view("/a/", reader)
    site.view("/b/", 7, l="a" * 32)
    left = site.send("leave", "/b/", 7, l="a" * 32, v=2_000, a=2_000, d=10)
    assert left.status_code == 202
    events: tuple[tuple[str, dict[str, Any]], ...] = (
        *[("/b/", {"n": "feedback", "c": rating}) for rating in (0, 0, 1)],
        *[("/a/", {"n": "search", "k": "docker", "c": 0})] * 4,
        *[("/old/b/", {"n": "not_found"})] * 3,
        *[("/moved/", {"n": "not_found"})] * 5,
    )
    for path, keys in events:
        assert site.send("event", path, **keys).status_code == 204
    for path, reader in (("/", 8), ("/b/", 9)):
        _search(site, path, reader, "flask", 3)


def test_each_finding_weighs_what_the_documentation_says(bare: Site) -> None:
    """One entry a page or search, with all its reasons; what a redirect covers is mended."""
    _read(bare)
    found = [(row[0], row[2], row[3], row[4]) for row in rows(bare, "health")]

    assert found == [
        (
            "/b/",
            "",
            10.4,
            [
                _reason("negative", "feedback", 2, 10.0),
                _reason("bounced", "completion", 1, 0.2),
                _reason("searched", "completion", 1, 0.2),
            ],
        ),
        (None, "docker", 4.0, [_reason("no-result", "searches", 4, 4.0)]),
        ("/old/b/", "", 3.0, [_reason("not-found", "not-found", 3, 3.0)]),
        (
            "/c/",
            "",
            2.0,
            [_reason("unread", "never-read", 1, 1.0), _reason("unlinked", "never-read", 1, 1.0)],
        ),
        (
            "/a/",
            "",
            1.7,
            [
                _reason("searched", "completion", 4, 0.8),
                _reason("broken-anchor", "broken-anchors", 3, 0.6),
                _reason("stale", "stale", 3, 0.3),
            ],
        ),
        (None, "flask", 1.0, [_reason("no-click", "searches", 2, 1.0)]),
    ]
    assert ask(bare, "health")["facts"] == {"entries": 6, "points": 22}


def test_a_search_is_of_its_query_and_once_of_its_page(bare: Site) -> None:
    """What failed is the query's; that it was made is the page's, but not the front page's."""
    deploy(bare, *(page(path, nav=1, updated="2025-12-30") for path in ("/", "/a/", "/b/")))
    _search(bare, "/", 1, "docker", 0)
    _search(bare, "/a/", 2, "docker", 0, 0, 0)
    _search(bare, "/b/", 3, "kettle", 2)
    bare.send("event", "/b/", 3, l=f"{3:032x}", n="search", k="kettle", c=2, u="/a/")
    # Who has read the page to the end has not left it for the search.
    _search(bare, "/b/", 4, "kettle", 2)
    bare.send("leave", "/b/", 4, l=f"{4:032x}", v=90_000, a=90_000, d=100)

    assert [(row[0], row[2], row[4]) for row in rows(bare, "health")] == [
        (None, "docker", [_reason("no-result", "searches", 4, 4.0)]),
        (None, "kettle", [_reason("no-click", "searches", 2, 1.0)]),
        ("/a/", "", [_reason("searched", "completion", 1, 0.2)]),
        ("/b/", "", [_reason("searched", "completion", 1, 0.2)]),
    ]


def test_the_points_follow_from_the_csv_of_the_others(bare: Site) -> None:
    """Nothing goes in that is not in a file that everybody can have."""
    _read(bare)
    weights = {
        ("not-found", "count"): 1.0,
        ("searches", "withoutResult"): 1.0,
        ("searches", "withoutClick"): 0.5,
        ("feedback", "negative"): 5.0,
        ("broken-anchors", "views"): 0.2,
        ("completion", "bounced"): 0.2,
        ("completion", "searched"): 0.2,
        ("stale", "views"): 0.1,
    }
    points = 0.0
    for (report, column), weight in weights.items():
        for row in _csv(bare, report):
            is_way_in = column == "searched" and row["path"] == "/"
            if row.get("redirect") != "true" and not is_way_in:
                points += weight * float(row[column])
    unread = _csv(bare, "never-read")
    points += len(unread) + sum(row["unlinked"] == "true" for row in unread)

    assert round(points, 6) == round(sum(row[3] for row in rows(bare, "health")), 6) == 22.1


def _csv(site: Site, report: str) -> list[dict[str, str]]:
    text = site.client.get(f"/api/content/{report}.csv").get_data(as_text=True)
    return [*csv.DictReader(io.StringIO(text, newline=""))]


def test_reasons_lead_to_their_reports(bare: Site) -> None:
    """For people each is a sentence with a link; CSV has code, number and points."""
    _read(bare)
    page_ = bare.client.get("/stats/content/health?period=7d&lang=en").get_data(as_text=True)
    german = bare.client.get("/stats/content/health?lang=de").get_data(as_text=True)

    assert '<a href="/stats/content/feedback?period=7d&amp;lang=en">2 negative ratings</a>' in page_
    assert "2 schlechte Bewertungen" in german
    assert "left for the search once" in page_
    assert "einmal weitergesucht" in german
    assert _csv(bare, "health")[0]["reasons"] == (
        "negative 2 (10.0); bounced 1 (0.2); searched 1 (0.2)"
    )


def test_nothing_to_fix(bare: Site) -> None:
    """The list is empty, and says so."""
    deploy(bare, page("/a/", nav=1, updated="2025-12-30"))
    bare.view("/a/")

    assert rows(bare, "health") == []
    assert "Nothing to fix" in bare.client.get("/stats/content/health").get_data(as_text=True)


def test_the_documentation_has_every_weight() -> None:
    """The table of the page is that of the code."""
    text = (ROOT / "docs" / "reports" / "health.md").read_text()

    for finding in FINDINGS:
        weight = f"{finding.weight:g}"
        line = next(line for line in text.splitlines() if line.startswith(f"| `{finding.code}` |"))
        assert line.endswith(f"| {weight} |")
        assert f"[{finding.report}]({finding.report}.md)" in text
