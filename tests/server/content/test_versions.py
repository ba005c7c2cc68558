"""Readers by the version of the documentation that they read: its other names, and old paths."""

from typing import Any

import pytest

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import deploy, page
from tracker_server import tally
from tracker_server.content_reports.versions import version_of_path, versions_of

GUIDE, FAQ = "/guide/", "/faq/"
VERSIONS = {"1.10": ["latest"], "1.9": ["lts"], "1.2": [], "dev": []}


def _read(site: Site, version: str, path: str, *readers: int) -> None:
    for reader in readers:
        site.view(path, reader, k=f"https://x.example/kettle/{version}/assets/mkdocs-stats/t.1.js")


def _short(site: Site, **options: int) -> list[tuple[Any, ...]]:
    return [(row[0], *row[1:5]) for row in rows(site, "versions", **options)]


@pytest.fixture
def versioned(site: Site) -> Site:
    """Two pages in four versions, one of them the latest."""
    pages = page(GUIDE), page(FAQ)
    deploy(site, *pages, version="1.10", versions=VERSIONS)
    return site


def test_other_names_of_a_version_are_the_version(versioned: Site) -> None:
    """Somebody who reads both is one reader; with the option each name stands by itself."""
    _read(versioned, "latest", GUIDE, 1, 2, 3, 4)
    _read(versioned, "1.10", FAQ, 4, 5)
    _read(versioned, "lts", GUIDE, 6)
    _read(versioned, "1.9", GUIDE, 5, 7)
    _read(versioned, "dev", FAQ, 8)

    assert rows(versioned, "versions") == [
        ("1.10", ["latest"], True, 6, 5, 5 / 8, GUIDE, "GUIDE"),
        ("1.9", ["lts"], False, 3, 3, 3 / 8, GUIDE, "GUIDE"),
        ("dev", [], False, 1, 1, 1 / 8, FAQ, "FAQ"),
    ]
    facts = ask(versioned, "versions")["facts"]
    assert (facts["latest"], facts["readers"]) == ("1.10", 8)
    assert (facts["readersNotLatest"], facts["shareNotLatest"]) == (4, 0.5)

    assert _short(versioned, split=1) == [
        ("latest", [], True, 4, 4),
        ("1.10", [], True, 2, 2),
        ("1.9", [], False, 2, 2),
        ("dev", [], False, 1, 1),
        ("lts", [], False, 1, 1),
    ]
    assert ask(versioned, "versions", split=1)["facts"]["readersNotLatest"] == 4


def test_what_is_the_latest_holds_for_old_views_too(versioned: Site) -> None:
    """Nothing of it is stored with a view: another manifest tells the same views anew."""
    _read(versioned, "latest", GUIDE, 1, 2)
    _read(versioned, "1.10", GUIDE, 3)

    deploy(versioned, page(GUIDE), version="2.0", versions={"2.0": ["latest"], "1.10": []})

    assert _short(versioned) == [
        ("2.0", ["latest"], True, 2, 2),
        ("1.10", [], False, 1, 1),
    ]


def test_paths_tell_versions_that_are_folders(site: Site) -> None:
    """Of views that say none, those of before versions were told included."""
    deploy(site, page("/1.2/guide/"), page("/v2/guide/"), page("/2024/news/"))
    for reader, path in enumerate(
        ["/1.2/guide/", "/v2/guide/", "/v2/guide/", "/2024/news/", "/", "/3.0"]
    ):
        site.view(path, reader)

    assert _short(site) == [("v2", [], True, 2, 2), ("1.2", [], False, 1, 1)]
    assert ask(site, "versions")["facts"]["shareNotLatest"] == 0.3333


def test_a_site_without_versions_has_none(site: Site) -> None:
    """The script's own address says none where it is at the root of its host."""
    site.view(GUIDE, 1)
    site.view(GUIDE, 2, k="https://x.example/assets/mkdocs-stats/t.1.js")
    site.view(GUIDE, 3, k="https://[/1.2/assets/mkdocs-stats/t.1.js")
    site.view(GUIDE, 4, k=["1.2"])
    site.view(GUIDE, 5, k="https://x.example/<b>/assets/mkdocs-stats/t.1.js")

    found = ask(site, "versions")
    assert found["rows"] == []
    assert found["facts"]["latest"] is None
    assert found["facts"]["shareNotLatest"] is None
    assert ask_report(site)["versions"] == []


def ask_report(site: Site, **filters: str) -> dict[str, Any]:
    """Return ``GET /api/report`` of today, read now."""
    site.clock.advance(10)
    answer = site.client.get("/api/report", query_string={"period": "today", **filters})
    assert answer.status_code == 200
    found = answer.get_json()
    assert isinstance(found, dict)
    return found


def test_reports_have_versions_as_addresses_call_them(versioned: Site) -> None:
    """As a list and as a filter."""
    _read(versioned, "latest", GUIDE, 1, 2)
    _read(versioned, "1.9", FAQ, 2)
    versioned.view(FAQ, 9)

    report = ask_report(versioned)
    assert report["versions"] == [
        {"version": "latest", "views": 2},
        {"version": "1.9", "views": 1},
    ]
    old = ask_report(versioned, version="1.9")
    assert (old["views"], old["visitors"], [row["path"] for row in old["pages"]]) == (1, 1, [FAQ])
    assert ask_report(versioned, version="")["views"] == 1


def test_made_up_versions_share_one_entry(versioned: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound, and none of them becomes the latest."""
    monkeypatch.setattr(tally, "MAX_VERSIONS", 3)
    _read(versioned, "1.9", GUIDE, 1)
    for number in range(3):
        _read(versioned, f"99{number}", GUIDE, 2 + number)

    assert _short(versioned) == [
        ("(other)", [], False, 2, 2),
        ("1.9", [], False, 1, 1),
        ("990", [], False, 1, 1),
    ]
    assert ask(versioned, "versions")["facts"]["latest"] == "1.10"


@pytest.mark.parametrize(
    ("told", "own", "seen", "latest"),
    [
        pytest.param({"1.9": [], "1.10": []}, "1.9", ["2.0"], "1.10", id="greatest"),
        pytest.param({}, "2.0", ["9.9"], "2.0", id="the-manifest's-own"),
        pytest.param({"dev": []}, "dev", ["1.2", "v1.3", "2.0-rc1"], "v1.3", id="seen"),
        pytest.param({"dev": []}, None, ["main"], None, id="no-release"),
    ],
)
def test_the_latest_is_the_greatest_release(
    told: dict[str, list[str]], own: str | None, seen: list[str], latest: str | None
) -> None:
    """Of what the manifest says, and only where it has none of what addresses say."""
    assert versions_of(told, own, seen, split=False).latest == latest


def test_a_version_may_be_called_latest() -> None:
    """Or the name may be one of another version: then it is not that of the greatest."""
    named = versions_of({"latest": [], "1.2": []}, None, [], split=False)
    assert [named.name(name) for name in ("latest", "stable")] == ["latest", "1.2"]
    assert [named.is_latest(name) for name in ("latest", "stable", "1.2")] == [False, True, True]
    old = versions_of({"2.0": [], "1.2": ["stable"]}, None, [], split=False)
    assert [old.name(name) for name in ("latest", "stable")] == ["2.0", "1.2"]


@pytest.mark.parametrize(
    ("path", "version"),
    [
        *(("/1.2/guide/", "1.2"), ("/v3/", "v3"), ("/v1.2.3/a.html", "v1.2.3"), ("/main/", "main")),
        *(("/", ""), ("/1.2", ""), ("/2024/", ""), ("/guide/1.2/", ""), ("/version/", "")),
    ],
)
def test_version_of_path_is_a_folder_at_its_beginning(path: str, version: str) -> None:
    """That is known to be one, or looks like no year."""
    assert version_of_path(path, {"main"}) == version


def test_the_page_has_a_switch_for_other_names(versioned: Site) -> None:
    """Off unless the address says otherwise."""
    _read(versioned, "latest", GUIDE, 1)
    _read(versioned, "1.10", GUIDE, 2)

    def page_of(query: str) -> str:
        answer = versioned.client.get(f"/stats/content/versions{query}")
        assert answer.status_code == 200
        return answer.get_data(as_text=True)

    switch = '<input type="checkbox" name="split" value="1"{}>'
    assert switch.format("") in page_of("")
    assert switch.format(" checked") in page_of("?split=1")
