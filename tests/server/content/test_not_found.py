"""Paths that were asked for in vain: who asked, what was meant, and redirects to be pasted."""

from typing import Any

import pytest
import yaml
from mkdocs.structure.files import File

from tests.server.conftest import MakeSite, Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import deploy, page
from tracker_server.content_reports import not_found

DAY = 86_400
INSTALL = page("/new/install/", title="Installing", source="new/install.md")


def _miss(site: Site, path: str, times: int = 1, referrer: str = "") -> None:
    keys: dict[str, Any] = {"r": f"https://{referrer}/some/page"} if referrer else {}
    for _ in range(times):
        assert site.send("event", path, n="not_found", **keys).status_code == 204


def _map(snippet: str) -> dict[str, str]:
    """Return the map that a snippet means, as a configuration is read."""
    read: Any = yaml.safe_load(snippet)
    found = read["plugins"][0]["redirects"]["redirect_maps"]
    assert isinstance(found, dict)
    return found


def test_from_a_wrong_link_to_the_redirect_that_is_in_force(bare: Site) -> None:
    """The row names page and referrer, the pasted line makes the file, the next build ends it."""
    deploy(bare, INSTALL, page("/guide/deploy/", source="guide/deploy.md"))
    _miss(bare, "/old/instal/", 2, "blog.example")
    _miss(bare, "/old/instal/")
    found = ask(bare, "not-found")

    assert found["rows"] == [
        {
            "path": "/old/instal/",
            "title": None,
            "count": 3,
            "referrers": ["blog.example (2)"],
            "closest": "/new/install/",
            "closestTitle": "Installing",
            "similarity": 0.832,
            "redirect": False,
        }
    ]
    assert found["snippet"].splitlines() == [
        "plugins:",
        "  - redirects:",
        "      redirect_maps:",
        '        "old/instal.md": "new/install.md"',
    ]
    # As the plugin does: a redirect is built to the file of a source of that name.
    [(former, target)] = _map(found["snippet"]).items()
    assert File(former, "docs", "site", True).url == "old/instal/"  # noqa: FBT003  # its interface
    assert File(target, "docs", "site", True).url == "new/install/"  # noqa: FBT003  # likewise

    deploy(bare, INSTALL, redirects={"/old/instal/": "/new/install/"})
    found = ask(bare, "not-found")
    assert rows(bare, "not-found") == [
        ("/old/instal/", None, 3, ["blog.example (2)"], None, None, None, True)
    ]
    assert found["snippet"] is None
    assert found["facts"] == {"notFound": 3, "paths": 1, "covered": 1, "suggested": 0}


def test_most_often_first_and_covered_last(bare: Site) -> None:
    """Files and probes have no page, a page of now has its title, the rest is one entry."""
    deploy(
        bare,
        INSTALL,
        page("/is-back/", title="Is back", source="is-back.md"),
        page("/draft/", published=False, source="draft.md"),
        page("/tags/", generated=True, source="tags.md"),
        page("/sourceless/"),
        redirects={"/covered/": "/new/install/", "/slash/": "https://elsewhere.example/"},
    )
    for times, path in enumerate(
        ["/sourcless/", "/drafts/", "/tag/", "/is-back/", "/install.png", "/.env/install"], 1
    ):
        _miss(bare, path, times)
    _miss(bare, "/covered/", 9)
    _miss(bare, "/slash", 8)
    _miss(bare, "/unlike/", 7)

    def nothing(path: str, count: int, title: str | None = None) -> tuple[object, ...]:
        return (path, title, count, [], None, None, None, False)

    assert rows(bare, "not-found") == [
        nothing("/unlike/", 7),
        nothing("/.env/install", 6),
        nothing("/install.png", 5),
        nothing("/is-back/", 4, "Is back"),
        nothing("/tag/", 3),
        nothing("/drafts/", 2),
        ("/sourcless/", None, 1, [], "/sourceless/", "SOURCELESS", 0.949, False),
        ("/covered/", None, 9, [], None, None, None, True),
        ("/slash", None, 8, [], None, None, None, True),
    ]
    assert ask(bare, "not-found")["snippet"] is None
    assert ask(bare, "not-found")["facts"] == {
        "notFound": 45,
        "paths": 9,
        "covered": 2,
        "suggested": 0,
    }


def test_five_hosts_at_most(bare: Site) -> None:
    """Those that most came from, of equals by name; who came from nowhere is counted only."""
    hosts = {"f.example": 1, "e.example": 1, "d.example": 3, "c.example": 2, "b.example": 2}
    for host, times in {**hosts, "a.example": 2}.items():
        _miss(bare, "/gone/", times, host)
    _miss(bare, "/gone/", 5)

    assert rows(bare, "not-found")[0][2:4] == (
        16,
        ["d.example (3)", "a.example (2)", "b.example (2)", "c.example (2)", "e.example (1)"],
    )


def test_only_the_days_that_are_asked_for(bare: Site) -> None:
    """The last day of the period before is not in it."""
    _miss(bare, "/gone/")
    bare.clock.advance(7 * DAY)
    _miss(bare, "/gone/", 2)

    assert [row[2] for row in rows(bare, "not-found", period="7d")] == [2]
    assert [row[2] for row in rows(bare, "not-found", period="30d")] == [3]


def test_a_page_that_has_moved_is_what_is_meant(bare: Site) -> None:
    """Its history is more certain than any name, and is no redirect."""
    deploy(
        bare,
        page("/start/", formerly=["/tutorial/first-steps/"], source="start.md"),
        page("/tutorial/first-step/", source="tutorial/first-step.md"),
    )
    _miss(bare, "/tutorial/first-steps/", 2)
    _miss(bare, "/tutorial/first-steps")
    found = ask(bare, "not-found")

    assert [(row["closest"], row["similarity"], row["redirect"]) for row in found["rows"]] == [
        ("/start/", 1.0, False),
        ("/start/", 1.0, False),
    ]
    assert _map(found["snippet"]) == {"tutorial/first-steps.md": "start.md"}


@pytest.mark.parametrize("path", ["/guide/cli.md", "/cli.htm", "/guide/cli/index.htm", "/cl/"])
def test_a_source_or_a_short_name_has_its_page(bare: Site, path: str) -> None:
    """Links copied from a repository end as sources do. None of these is redirected by guessing."""
    deploy(bare, page("/guide/cli/", source="guide/cli.md"))
    _miss(bare, path)
    found = ask(bare, "not-found")

    assert found["rows"][0]["closest"] == "/guide/cli/"
    assert found["snippet"] is None


def test_what_is_uncertain_is_shown_and_not_pasted(bare: Site) -> None:
    """Another number, two pages as close, a similarity below the threshold."""
    deploy(
        bare,
        page("/blog/2025/", source="blog/2025.md"),
        page("/v1/client/", source="v1/client.md"),
        page("/v2/client/", source="v2/client.md"),
        page("/guide/installation/", source="guide/installation.md"),
        page("/exactly/", source="exactly.md", title="Exactly"),
    )
    for path in ("/blog/2024/", "/client/", "/install/", "/exactly.html"):
        _miss(bare, path)
    found = ask(bare, "not-found")

    assert [(row["path"], row["closest"], row["similarity"]) for row in found["rows"]] == [
        ("/blog/2024/", "/blog/2025/", 0.81),
        ("/client/", "/v1/client/", 0.929),
        ("/exactly.html", "/exactly/", 1.0),
        ("/install/", "/guide/installation/", 0.679),
    ]
    assert found["snippet"] is None


def test_paths_of_strangers_stay_texts(bare: Site) -> None:
    """What is pasted is read as what was asked for, and nothing is shown as markup."""
    deploy(bare, INSTALL)
    hostile = [
        "/new/install'/",
        "/new/install, a&b {x}: *c !d %25/",
        "/new/install: x/",
        "/new/install <script>alert(1)</script>/",
        "/new/install %23 comment/",
        "/new/../install/",
        '/new/"install"/',
        "/new/install\U0001f600/",
        "/new/inställ/",
        "/new/install %E2%80%8E/",
        "/new/install\\/",
    ]
    for path in hostile:
        _miss(bare, path)
    # What has a line or turns the writing round is not even counted.
    for path in ("/new/install%0Aplugins: []/", "/new/install\u202e/"):
        assert bare.send("event", path, n="not_found").status_code == 400
    found = ask(bare, "not-found")
    shown = bare.client.get("/stats/content/not-found").get_data(as_text=True)

    assert len(found["rows"]) == len(hostile)
    assert _map(found["snippet"]) == {
        "new/install'.md": "new/install.md",
        "new/install\U0001f600.md": "new/install.md",
        "new/inställ.md": "new/install.md",
    }
    assert found["facts"]["suggested"] == 3
    assert "<script>alert" not in shown
    assert "&#34;new/install&#39;.md&#34;: &#34;new/install.md&#34;" in shown


def test_pages_are_looked_for_where_most_asked(bare: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be ten thousand paths."""
    monkeypatch.setattr(not_found, "MAX_COMPARED", 2)
    deploy(bare, INSTALL)
    for times, name in enumerate(["instal", "instakl", "instala"], 1):
        _miss(bare, f"/new/{name}/", times)

    assert [(row[0], row[4]) for row in rows(bare, "not-found")] == [
        ("/new/instala/", "/new/install/"),
        ("/new/instakl/", "/new/install/"),
        ("/new/instal/", None),
    ]


def test_pages_that_have_moved_take_no_room(make_site: MakeSite) -> None:
    """A site that gave all its pages other addresses still hears of what is missing."""
    site = make_site(max_unknown_paths=1)
    deploy(site, *(page(f"/old/{number}/") for number in range(3)))
    deploy(site, INSTALL)
    _miss(site, "/old/instal/")

    assert [(row[0], row[4]) for row in rows(site, "not-found")] == [
        ("/old/instal/", "/new/install/")
    ]


def test_what_had_no_room_is_one_entry(make_site: MakeSite) -> None:
    """It is counted like a path, and is like none."""
    site = make_site(max_unknown_paths=1)
    deploy(site, page("/other/", source="other.md"))
    _miss(site, "/gone/", 2)
    for number in range(3):
        _miss(site, f"/{number}/")

    assert rows(site, "not-found") == [
        ("(other)", None, 3, [], None, None, None, False),
        ("/gone/", None, 2, [], None, None, None, False),
    ]


def test_the_card_of_the_overview_has_the_same_numbers(bare: Site) -> None:
    """Both read one query; a reader without referrer is a row there."""
    _miss(bare, "/gone/", 2, "a.example")
    _miss(bare, "/gone/")
    report = bare.client.get("/api/report?period=today").get_json()

    assert report["notFound"] == [
        {
            "path": "/gone/",
            "count": 3,
            "referrers": [
                {"referrer": "a.example", "count": 2},
                {"referrer": "", "count": 1},
            ],
        }
    ]
    assert rows(bare, "not-found", period="today")[0][2:4] == (3, ["a.example (2)"])
