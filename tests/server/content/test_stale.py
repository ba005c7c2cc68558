"""Pages that are read although they are old, in the order in which to look after them."""

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import bot_view, deploy, page

DAY = 86_400


def _view(site: Site, path: str, times: int) -> None:
    for reader in range(times):
        site.view(path, reader)


def test_views_times_days(bare: Site) -> None:
    """The ranking is that of the products, and what is young, unread or undated is not in it."""
    deploy(
        bare,
        page("/old/", updated="2024-01-01"),
        page("/older/", created="2022-01-01"),
        page("/much-read/", created="2020-01-01", updated="2025-07-05"),
        page("/as-much/", updated="2025-07-05"),
        page("/half/", updated="2025-01-01"),
        page("/young/", created="2020-01-01", updated="2025-07-06"),
        page("/unread/", updated="2020-01-01"),
        page("/undated/"),
        page("/tags/", updated="2020-01-01", generated=True),
        page("/draft/", updated="2020-01-01", published=False),
        page("/statistics/", updated="2020-01-01", type="stats"),
    )
    for path, times in {
        "/old/": 5,
        "/older/": 2,
        "/much-read/": 9,
        "/as-much/": 9,
        "/half/": 8,
        "/young/": 50,
        "/undated/": 7,
        "/tags/": 3,
        "/statistics/": 3,
        "/not-a-page/": 3,
    }.items():
        _view(bare, path, times)
    bot_view(bare, "/older/", 20)
    bot_view(bare, "/unread/", 20)

    assert rows(bare, "stale") == [
        ("/old/", "OLD", 5, "2024-01-01", 731, 3_655),
        ("/older/", "OLDER", 2, "2022-01-01", 1_461, 2_922),
        ("/half/", "HALF", 8, "2025-01-01", 365, 2_920),
        ("/as-much/", "AS-MUCH", 9, "2025-07-05", 180, 1_620),
        ("/much-read/", "MUCH-READ", 9, "2025-07-05", 180, 1_620),
    ]
    assert ask(bare, "stale")["facts"] == {
        "pages": 8,
        "undated": 1,
        "stale": 5,
        "staleShare": 0.3667,
    }


def test_of_equal_scores_the_one_with_more_views_is_first(bare: Site) -> None:
    """Two views of 400 days are eight of 100."""
    deploy(
        bare,
        page("/a/", updated="2024-11-27"),
        page("/b/", updated="2025-09-23"),
    )
    _view(bare, "/a/", 2)
    _view(bare, "/b/", 8)

    assert rows(bare, "stale", min_days=100) == [
        ("/b/", "B", 8, "2025-09-23", 100, 800),
        ("/a/", "A", 2, "2024-11-27", 400, 800),
    ]
    assert [row[0] for row in rows(bare, "stale", min_days=101)] == ["/a/"]
    assert rows(bare, "stale", min_days=401) == []


def test_views_of_the_days_that_are_asked_for(bare: Site) -> None:
    """Days count up to today, views those of the period; also those of a former path."""
    bare.view("/before/")
    deploy(bare, page("/a/", updated="2025-01-01", formerly=["/before/"]))
    _view(bare, "/a/", 2)
    bare.clock.advance(7 * DAY)
    _view(bare, "/a/", 4)

    assert rows(bare, "stale", period="7d") == [("/a/", "A", 4, "2025-01-01", 372, 1_488)]
    assert rows(bare, "stale", period="30d") == [("/a/", "A", 7, "2025-01-01", 372, 2_604)]
    assert rows(bare, "stale", from_="2026-01-01", to="2026-01-01") == [
        ("/a/", "A", 3, "2025-01-01", 372, 1_116)
    ]


def test_a_page_of_tomorrow_is_of_today(bare: Site) -> None:
    """A build may be ahead of the tracker's clock; its day is shown as it is."""
    deploy(bare, page("/a/", updated="2026-01-03"))
    bare.view("/a/")

    assert rows(bare, "stale", min_days=0) == [("/a/", "A", 1, "2026-01-03", 0, 0)]
    assert rows(bare, "stale", min_days=1) == []


def test_nothing_was_read(bare: Site) -> None:
    """There is no share of nothing."""
    deploy(bare, page("/a/", updated="2020-01-01"))

    assert ask(bare, "stale")["rows"] == []
    assert ask(bare, "stale")["facts"] == {
        "pages": 1,
        "undated": 0,
        "stale": 0,
        "staleShare": None,
    }


def test_people_see_it_in_their_words(bare: Site) -> None:
    """Days are written out, numbers have their signs."""
    deploy(bare, page("/a/", updated="2020-01-01"))
    _view(bare, "/a/", 2)
    shown = bare.client.get("/stats/content/stale").get_data(as_text=True)
    lines = bare.client.get("/api/content/stale.csv").get_data(as_text=True).splitlines()

    assert "Jan 1, 2020" in shown
    assert "2,192 days" in shown
    assert "4,384" in shown
    assert lines == ["path,title,views,updated,days,score", "/a/,A,2,2020-01-01,2192,4384"]
