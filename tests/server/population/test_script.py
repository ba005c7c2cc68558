"""What is written down as the truth is what the script comes to, added up without the tracker."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.server.population.docs import Deploy, headings_on, pages_on, seconds_on
from tests.server.population.script import Act
from tests.server.population.sums import MOVED, Sums, page_of
from tests.server.population.town import FIRST_DAY, LAST_DAY
from tests.server.population.truth import read_truth

DRAFT = "/news/draft/"
OWN_HOST = "kettle.example"
Rows = list[dict[str, Any]]


@pytest.fixture
def sums(acts: list[Act]) -> Sums:
    """Add up the days of the reports."""
    return Sums(acts, FIRST_DAY, LAST_DAY)


@pytest.fixture
def between(acts: list[Act]) -> Callable[[str, str], Sums]:
    """Return what adds up other days."""
    return lambda first, last: Sums(acts, first, last)


def test_the_site_is_what_its_text_says(deploys: list[Deploy]) -> None:
    """Of each deploy: the pages, their headings, and how long reading takes."""
    assert len(deploys) == 3
    for deploy in deploys:
        pages = json.loads(deploy.manifest)["pages"]
        assert {
            page["path"]: (
                page["reading_seconds"],
                tuple(heading["id"] for heading in page["headings"]),
            )
            for page in pages
        } == {
            path: (seconds_on(path, deploy.day), headings_on(path, deploy.day))
            for path in pages_on(deploy.day)
        }


def test_views(sums: Sums) -> None:
    """A page is read or in the report of those that are not; others have as many as is said."""
    pages = {*pages_on(LAST_DAY)} - {DRAFT}
    unread = {row["path"] for row in _rows("never-read")} | {"/guide/colours/"}

    assert {path for path in pages if not sums.views(path)} == unread
    for name in ("stale", "broken-anchors"):
        for row in _rows(name):
            if row["path"]:
                assert row["views"] == sums.views(row["path"])
    stale = sum(row["views"] for row in _rows("stale"))
    share = stale / sum(map(sums.views, pages))
    assert read_truth("stale").facts["staleShare"] == round(share, 4)


def test_how_pages_are_read(sums: Sums) -> None:
    """Loads by page and class, the time, and searches on each."""
    rows = _rows("completion")
    facts, kinds = read_truth("completion").facts, ("read", "skimmed", "bounced", "searched")
    assert {row["path"] for row in rows} == {*sums.loads}
    assert facts["loads"] == sums.loads.total()
    for kind in kinds:
        count = sum(sums.classes[path, kind] for path in sums.loads)
        assert facts[f"{kind}Share"] == round(count / sums.loads.total(), 4)
    for row in rows:
        path = row["path"]
        assert row["loads"] == sums.loads[path]
        for kind in kinds:
            assert row[kind] == sums.classes[path, kind]
            assert row[f"{kind}Share"] == round(row[kind] / row["loads"], 4)
        assert row["activeSeconds"] == round(sums.active[path] / sums.loads[path], 1)
        assert row["expectedSeconds"] == seconds_on(path, LAST_DAY)
        assert row["searches"] == sums.count("search", path=path)


def test_sections(sums: Sums) -> None:
    """Each heading of each page that was read, with those who had it in view, or ended there."""
    rows = _rows("sections")
    assert {(row["path"], row["anchor"]) for row in rows} == {
        (path, anchor) for path in sums.loads for anchor in headings_on(path, LAST_DAY)
    }
    for row in rows:
        path, key = row["path"], (row["path"], row["anchor"])
        assert row["loads"] == sums.reached[key]
        assert row["stops"] == sums.stops[key]
        assert row["reached"] == round(sums.reached[key] / sums.loads[path], 4)
        assert row["stopShare"] == round(sums.stops[key] / sums.loads[path], 4)
        assert row["visibleSeconds"] == round(sums.shown[key] / row["loads"] / 1_000, 1)
        assert row["isLast"] == (row["anchor"] == headings_on(path, LAST_DAY)[-1])


def test_ways(sums: Sums) -> None:
    """All that three readers went; the others are hidden."""
    ways = {way: some for way, some in sums.ways.items() if len({*some}) >= 3}
    rows = _rows("paths")

    assert {(row["from"], row["to"]): (row["readers"], row["views"]) for row in rows} == {
        way: (len({*some}), len(some)) for way, some in ways.items()
    }
    assert read_truth("paths").facts["hidden"] == len(sums.ways) - len(ways)


def test_languages(sums: Sums) -> None:
    """All pages with three readers of another language that is known."""
    groups: dict[tuple[str, str], list[str]] = {}
    for path, reads in sums.viewers.items():
        for read in reads:
            if read.language not in {_language_of(path), "nothing"}:
                groups.setdefault((read.language, page_of(path)), []).append(read.reader)
    shown = {key: some for key, some in groups.items() if len({*some}) >= 3}

    assert {
        (row["language"], row["path"]): (row["readers"], row["views"]) for row in _rows("languages")
    } == {key: (len({*some}), len(some)) for key, some in shown.items()}
    assert read_truth("languages").facts["hidden"] == len(groups) - len(shown)


def test_languages_of_pages(sums: Sums) -> None:
    """Who reads a page counts for its language, whichever is their own and known or not."""
    pages = [path for path in pages_on(LAST_DAY) if path != DRAFT]
    rows = _rows("languages+docs")
    for row in rows:
        some = [
            read
            for path, reads in sums.viewers.items()
            for read in reads
            if page_of(path) in pages and _language_of(path) == row["language"]
        ]
        views = Counter(page_of(read.path) for read in some)
        assert row["pages"] == sum(_language_of(path) == row["language"] for path in pages)
        assert (row["views"], row["readers"]) == (len(some), len({read.reader for read in some}))
        assert row["share"] == round(len(some) / sum(one["views"] for one in rows), 4)
        assert views[row["topPage"]] == max(views.values())
    assert {row["language"] for row in rows} == {"en", "de"}


def _language_of(path: str) -> str:
    return "de" if path.startswith("/de/") else "en"


@pytest.mark.parametrize("name", ["versions", "versions+split"])
def test_versions(sums: Sums, deploys: list[Deploy], name: str) -> None:
    """Views that say their version, and whose they are; who read two is in both."""
    said = [read for reads in sums.viewers.values() for read in reads if read.version]
    readers, rows = {read.reader for read in said}, _rows(name)
    told = json.loads(deploys[-1].manifest)["versions"]
    for row in rows:
        names = {row["version"], *row["aliases"]}
        some = [read for read in said if read.version in names]
        pages = Counter(page_of(read.path) for read in some)
        assert names == {read.version for read in some}
        assert row["latest"] == (row["version"] in {"v1.2", *told["v1.2"]})
        assert {*row["aliases"]} <= {*told.get(row["version"], ())}
        assert row["views"] == len(some)
        assert row["readers"] == len({read.reader for read in some})
        assert row["share"] == round(row["readers"] / len(readers), 4)
        assert pages[row["topPage"]] == max(pages.values())
    assert sum(row["views"] for row in rows) == len(said)
    facts = read_truth(name).facts
    behind = {read.reader for read in said if read.version not in {"v1.2", *told["v1.2"]}}
    assert (facts["readers"], facts["readersNotLatest"]) == (len(readers), len(behind))


def test_moves(sums: Sums) -> None:
    """Each former path with its page, and who read either."""
    for row in _rows("moves"):
        former, path = (sums.viewers[row[name]] for name in ("former", "path"))
        assert (row["viewsFormer"], row["views"]) == (len(former), len(path))
        assert row["together"] == len([*former, *path])
        assert row["readers"] == len({read.reader for read in [*former, *path]})
        assert MOVED[row["former"]] == row["path"]


def test_ratings(sums: Sums, between: Callable[[str, str], Sums]) -> None:
    """By page, against its loads, and against the 30 days before; all that were given."""
    before = between("2026-05-12", "2026-06-10")
    rows = _rows("feedback")
    for row in rows:
        path, ratings = row["path"], row["positive"] + row["negative"]
        for number, name in enumerate(("negative", "positive")):
            assert row[name] == sums.count("feedback", path=path, number=number)
        assert row["reads"] == sums.loads[path]
        assert row["ratePerThousand"] == round(ratings * 1_000 / sums.loads[path], 1)
        assert row["positiveShare"] == round(row["positive"] / ratings, 4)
        earlier = before.count("feedback", path=path)
        if earlier:
            share = before.count("feedback", path=path, number=1) / earlier
            assert row["shareChange"] == pytest.approx(row["positiveShare"] - share, abs=0.0001)
    facts = read_truth("feedback").facts
    assert facts == read_truth("feedback+headings").facts
    assert facts["ratings"] == sum(row["positive"] + row["negative"] for row in rows)
    assert facts["ratings"] == sums.count("feedback")
    assert facts["ratePerThousand"] == round(facts["ratings"] * 1_000 / sums.loads.total(), 1)
    comments = sums.count("feedback") - sums.count("feedback", text="")
    assert sum(row["count"] for row in _rows("comments")) == comments


def test_ratings_by_heading(sums: Sums, between: Callable[[str, str], Sums]) -> None:
    """All of them; a heading that the page never had is none."""
    before, rows = between("2026-05-12", "2026-06-10"), _rows("feedback+headings")
    for row in rows:
        place = {"path": row["path"], "heading": row["anchor"] or "how-cold"}
        given, earlier = (
            [some.count("feedback", **place, number=number) for number in (1, 0)]
            for some in (sums, before)
        )
        assert [row["positive"], row["negative"]] == given
        assert row["ratings"] == sum(given)
        assert row["positiveShare"] == round(given[0] / sum(given), 4)
        change = row["positiveShare"] - earlier[0] / sum(earlier) if any(earlier) else None
        assert row["shareChange"] == change
    assert sum(row["ratings"] for row in rows) == sums.count("feedback")


def test_tabs(sums: Sums) -> None:
    """Each of the choices, and of which it is a share."""
    choices = Counter((e.path, e.number + 1, e.text) for e in sums.events if e.name == "tab")
    assert {(row["path"], row["set"], row["tab"]): row["choices"] for row in _rows("tabs")} == (
        choices
    )
    for row in _rows("tabs"):
        whole = sums.count("tab", path=row["path"], number=row["set"] - 1)
        assert row["share"] == round(row["choices"] / whole, 4)
    facts = read_truth("tabs").facts
    assert facts["choices"] == choices.total()
    assert facts["sets"] == len({place[:2] for place in choices})
    assert facts["pages"] == len({path for path, *_ in choices})


def test_anchors_that_are_not_there(sums: Sums) -> None:
    """By the hosts that readers came from; what the page has by now is left out."""
    met = {
        (row["target"], row["anchor"]): (row["count"], row["referrers"])
        for row in _rows("broken-anchors")
        if not row["path"]
    }
    hosts: dict[tuple[str, str], list[str]] = {}
    for event in sums.events:
        if event.name == "anchor" and event.text not in headings_on(event.path, LAST_DAY):
            host = urlsplit(event.referrer).netloc.removeprefix("www.")
            hosts.setdefault((event.path, event.text), []).append(host)
    assert met == {
        place: (
            len(some),
            [f"{host} ({n})" for host, n in Counter(some).items() if host not in {"", OWN_HOST}],
        )
        for place, some in hosts.items()
    }
    assert read_truth("broken-anchors").facts["met"] == sum(map(len, hosts.values()))
    assert sums.count("anchor") == 7


def test_searches(sums: Sums) -> None:
    """Each query however it is written."""
    rows, searches = _rows("searches"), [one for one in sums.events if one.name == "search"]
    spelled = {"call ***": "call 5550123"}
    for row in rows:
        text = spelled.get(row["query"], row["query"])
        some = [one for one in searches if one.text.lower().split() == str(text).split()]
        found = [one for one in some if one.number]
        assert row["searches"] == len(some)
        assert row["withoutResult"] == len(some) - len(found)
        assert row["withoutClick"] == sum(not one.clicked for one in found)
        assert row["clicks"] == sum(one.clicked != "" for one in some)
        assert row["meanResults"] == round(sum(one.number for one in some) / len(some), 1)
    assert sum(row["searches"] for row in rows) == len(searches)


def test_what_is_copied_followed_and_missed(sums: Sums) -> None:
    """All of it, and how often."""
    said = {
        **{("copy", r["path"], r["language"]): r["copies"] for r in _rows("code-copies")},
        **{(r["linkKind"], r["path"], r["target"]): r["clicks"] for r in _rows("links-out")},
        **{("not_found", r["path"], ""): r["count"] for r in _rows("not-found")},
    }
    names = {"copy", "outbound", "download", "not_found"}
    assert said == Counter((e.name, e.path, e.text) for e in sums.events if e.name in names)
    for row in _rows("code-copies"):
        copies = sums.count("copy", path=row["path"], number=row["block"] - 1)
        assert row["copies"] == copies
        assert row["copiesPerHundred"] == round(copies * 100 / sums.loads[row["path"]], 1)


def test_before_and_after_a_deploy(between: Callable[[str, str], Sums]) -> None:
    """The seven days on either side of it, without its own."""
    sides = {
        "2026-06-20": (("2026-06-13", "2026-06-19"), ("2026-06-21", "2026-06-27")),
        "2026-06-30": (("2026-06-23", "2026-06-29"), ("2026-07-01", "2026-07-07")),
    }
    for row in _rows("deploys"):
        path = row["path"]
        for name, days in zip(("Before", "After"), sides[row["day"]], strict=True):
            side = between(*days)
            loads, ratings = side.loads[path], side.count("feedback", path=path)
            read, yes = side.classes[path, "read"], side.count("feedback", path=path, number=1)
            assert row[f"views{name}"] == side.views(path)
            assert row[f"completion{name}"] == (round(read / loads, 4) if loads else None)
            assert row[f"positive{name}"] == (yes / ratings if ratings else None)
        has_ratio = row["kind"] == "changed" and row["viewsBefore"] > 0
        assert (row["change"] is not None) == has_ratio
        if row["change"] is not None:
            assert row["change"] == round(row["viewsAfter"] / row["viewsBefore"] - 1, 4)


def test_the_intervals_of_deploys(between: Callable[[str, str], Sums]) -> None:
    """Their ends are where the score of the true share is 1.96, found by halving."""
    for row in _rows("deploys"):
        if row["change"] is None:
            continue
        views = row["viewsBefore"] + row["viewsAfter"]
        share = row["viewsAfter"] / views

        times = _dispersion(between, row["path"], date.fromisoformat(row["day"]))
        fewer = views / times

        def is_far(true: float, *, share: float = share, views: float = fewer) -> bool:
            return (share - true) ** 2 > 1.959964**2 * true * (1 - true) / views

        for name, end in (("changeLow", 0.0), ("changeHigh", 1.0)):
            near, far = share, end
            for _ in range(60):
                middle = (near + far) / 2
                near, far = (near, middle) if is_far(middle) else (middle, far)
            assert row[name] == pytest.approx(near / (1 - near) - 1, abs=0.0001)


def _dispersion(between: Callable[[str, str], Sums], path: str, day: date) -> float:
    """Return φ: Pearson's χ² of the days, in pairs of the same day of the week; 1 at least."""
    pairs = []
    for n in range(1, 8):
        days = day + timedelta(n - 7 if n < 7 else -7), day + timedelta(n)
        pair = [between(str(one), str(one)).views(path) for one in days]
        if any(pair):
            pairs.append(pair)
    sides = [sum(side) for side in zip(*pairs, strict=True)]
    squares = 0.0
    for pair in pairs:
        for views, side in zip(pair, sides, strict=True):
            expected = sum(pair) * side / sum(sides)
            squares += (views - expected) ** 2 / expected
    return max(1.0, squares / (len(pairs) - 1))


def _rows(report: str) -> Rows:
    return read_truth(report).rows
