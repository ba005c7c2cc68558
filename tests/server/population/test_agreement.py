"""What one report says agrees with what the others say."""

from typing import Any

import pytest

from tests.server.conftest import Site
from tests.server.content.asking import ask
from tests.server.population.docs import pages_on
from tests.server.population.sums import MOVED
from tests.server.population.town import LAST_DAY

DRAFT = "/news/draft/"
WEIGHTS = {
    "not-found": 1.0,
    "no-result": 1.0,
    "no-click": 0.5,
    "negative": 5.0,
    "broken-anchor": 0.2,
    "lost-anchor": 0.5,
    "bounced": 0.2,
    "searched": 0.2,
    "stale": 0.1,
    "unread": 1.0,
    "unlinked": 1.0,
}
"""What one of each is worth, as docs/reports/health.md has it."""


def _overview(town: Site, **parameters: str) -> dict[str, Any]:
    """Return what the page of the statistics shows."""
    query = {"period": "30d", **parameters}
    found = town.client.get("/api/report", query_string=query).get_json()
    assert isinstance(found, dict)
    return found


def _sum(report: dict[str, Any], column: str) -> Any:
    return sum(row[column] for row in report["rows"])


def test_each_page_is_read_or_not(town: Site) -> None:
    """Those that are and those that are not are all that the site has to offer."""
    facts = ask(town, "never-read")["facts"]
    opened = {row["path"] for row in ask(town, "completion")["rows"]}

    assert facts["read"] + facts["unread"] + facts["tooYoung"] == facts["pages"]
    assert facts["pages"] == ask(town, "stale")["facts"]["pages"] == len(pages_on(LAST_DAY)) - 1
    assert facts["read"] == len(opened)
    young = ask(town, "never-read", min_age=0)
    assert {row["path"] for row in young["rows"]} | opened == {*pages_on(LAST_DAY)} - {DRAFT}


def test_views_are_those_of_the_overview(town: Site) -> None:
    """A page that has moved has what was counted under either path, whichever is asked for."""
    overview = _overview(town)
    views = {row["path"]: row["views"] for row in overview["pages"]}

    assert sum(views.values()) == overview["views"]
    for row in ask(town, "stale", min_days=0)["rows"]:
        assert row["views"] == views[row["path"]]
    moves = ask(town, "moves")["rows"]
    assert {row["former"]: row["path"] for row in moves} == MOVED
    for row in moves:
        assert row["together"] == views[row["path"]]
        for path in (row["former"], row["path"]):
            of_page = _overview(town, page=path)
            assert (of_page["views"], of_page["visitors"]) == (row["together"], row["readers"])
    assert _sum(ask(town, "stale", min_days=0), "views") == overview["views"]


def test_loads_are_those_of_sections_and_of_the_overview(town: Site) -> None:
    """Each stops in one section, but for those whose section is gone, and is of one class."""
    completion, overview = ask(town, "completion"), _overview(town)
    loads = {row["path"]: row["loads"] for row in completion["rows"]}
    stops = dict.fromkeys(loads, 0)
    for row in ask(town, "sections")["rows"]:
        stops[row["path"]] += row["stops"]
    gone = {
        path: sum(one["stops"] for one in _overview(town, page=path)["sections"] if one["gone"])
        for path in loads
    }

    assert {path: stops[path] + gone[path] for path in loads} == loads
    assert {path: count for path, count in gone.items() if count} == {"/guide/descale/": 1}
    names = "read", "skimmed", "bounced", "searched"
    for row in completion["rows"]:
        assert sum(row[name] for name in names) == row["loads"]
        assert sum(row[f"{name}Share"] for name in names) == pytest.approx(1, abs=0.0002)
    columns = ("loads", "pageLoads"), ("read", "completed"), ("bounced",) * 2, ("searched",) * 2
    for column, name in columns:
        assert _sum(completion, column) == overview["reading"][name]


def test_events_are_those_of_the_overview(town: Site) -> None:
    """Ratings, by heading too, missing pages, and searches by query and by page."""
    overview, feedback = _overview(town), ask(town, "feedback")
    ratings = {name: _sum(feedback, name) for name in ("positive", "negative")}
    missing = {row["path"]: row["count"] for row in ask(town, "not-found")["rows"]}
    searches = ask(town, "searches")

    assert ratings == overview["feedback"]
    by_heading = ask(town, "feedback", headings=1)
    for row in feedback["rows"]:
        sections = [one for one in by_heading["rows"] if one["path"] == row["path"]]
        for name in ratings:
            assert sum(one[name] for one in sections) == row[name]
    assert by_heading["facts"] == feedback["facts"]
    assert missing == {row["path"]: row["count"] for row in overview["notFound"]}
    assert _sum(ask(town, "completion"), "searches") == searches["facts"]["searches"]
    assert ask(town, "comments")["facts"]["negative"] <= ratings["negative"]


@pytest.mark.parametrize("page", ["/tutorial/first/", "/guide/install/", "/reference/errors/"])
def test_ways_of_a_page_are_its_views(town: Site, page: str) -> None:
    """Each view goes on or ends, and what is told of a way by itself is in the sum of its kind."""
    of_page = {row["how"]: row["views"] for row in ask(town, "paths", page=page)["rows"]}
    kinds = {row["how"]: 0 for row in ask(town, "paths")["rows"]}
    for row in ask(town, "paths")["rows"]:
        kinds[row["how"]] += row["views"] if row["from"] == page else 0

    assert sum(of_page.values()) == _overview(town, page=page)["views"]
    assert all(of_page.get(how, 0) >= views for how, views in kinds.items())


def test_versions_are_those_of_the_overview(town: Site) -> None:
    """Names by themselves are in the overview; put together they have the same views."""
    split, whole = ask(town, "versions", split=1), ask(town, "versions")
    overview = {row["version"]: row["views"] for row in _overview(town)["versions"]}

    assert {row["version"]: row["views"] for row in split["rows"]} == overview
    assert _sum(whole, "views") == sum(overview.values())
    assert split["facts"] == whole["facts"]
    for row in whole["rows"]:
        names = {row["version"], *row["aliases"]}
        assert row["views"] == sum(overview[name] for name in names)


def test_languages_of_pages_are_those_of_the_overview(town: Site) -> None:
    """Each view of a page is in the row of its language; one language alone has the same row."""
    rows = ask(town, "languages", docs=1)["rows"]
    german = [row for row in _overview(town)["pages"] if row["path"].startswith("/de/")]
    views = {"de": sum(row["views"] for row in german)}
    views["en"] = _overview(town)["views"] - views["de"]

    assert {row["language"]: row["views"] for row in rows} == views
    for row in rows:
        assert ask(town, "languages", docs=1, language=row["language"])["rows"] == [row]
    told = ask(town, "languages")["rows"]
    for language in ("de", "en", "pt", "fr"):
        alone = [row for row in told if row["language"] == language]
        assert ask(town, "languages", language=language)["rows"] == alone


def test_deploys_compare_what_the_overview_has(town: Site) -> None:
    """Of the days before and of those after."""
    for row in ask(town, "deploys")["rows"]:
        if row["day"] == "2026-06-30":
            for name, first, last in (
                ("viewsBefore", "2026-06-23", "2026-06-29"),
                ("viewsAfter", "2026-07-01", "2026-07-07"),
            ):
                days = {"period": "custom", "from": first, "to": last, "page": row["path"]}
                assert row[name] == _overview(town, **days)["views"]


def test_what_to_fix_is_what_the_others_find(town: Site) -> None:
    """Each count is that of its report, and points are counts by their weights."""
    health = ask(town, "health")
    counts = dict.fromkeys(WEIGHTS, 0)
    for row in health["rows"]:
        assert row["points"] == pytest.approx(sum(one["points"] for one in row["reasons"]))
        for reason in row["reasons"]:
            counts[reason["code"]] += reason["count"]
            assert reason["points"] == pytest.approx(reason["count"] * WEIGHTS[reason["code"]])

    searches, unread = ask(town, "searches")["facts"], ask(town, "never-read")
    missing, completion = ask(town, "not-found"), ask(town, "completion")
    assert counts == {
        "not-found": sum(row["count"] for row in missing["rows"] if not row["redirect"]),
        "no-result": searches["withoutResult"],
        "no-click": searches["withoutClick"],
        "negative": _sum(ask(town, "feedback"), "negative"),
        "broken-anchor": sum(row["views"] or 0 for row in ask(town, "broken-anchors")["rows"]),
        "lost-anchor": ask(town, "broken-anchors")["facts"]["met"],
        "bounced": _sum(completion, "bounced"),
        "searched": sum(row["searched"] for row in completion["rows"] if row["path"] != "/"),
        "stale": _sum(ask(town, "stale"), "views"),
        "unread": unread["facts"]["unread"],
        "unlinked": _sum(unread, "unlinked"),
    }
    assert health["facts"]["points"] == round(sum(row["points"] for row in health["rows"]))
