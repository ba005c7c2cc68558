"""Readers whose language a page is not in: each page and language once, and no single reader."""

from typing import Any

import pytest

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import deploy, page
from tracker_server.content_answers import ContentAnswers
from tracker_server.content_reports.languages import REPORT, base_of, subtag_of
from tracker_server.readers import content_reader

DAY = 86_400
GUIDE, FAQ, GERMAN = "/guide/", "/faq/", "/de/guide/"


def _views(site: Site, language: str, path: str, *readers: int) -> None:
    for reader in readers:
        site.view(path, reader, g=language)


@pytest.fixture
def several(site: Site) -> Site:
    """Two pages in English, one of them in German and in Brazilian Portuguese too."""
    deploy(
        site,
        page(GUIDE, language="en"),
        page(FAQ, language="en"),
        page(GERMAN, language="de"),
        page("/pt-BR/guide/", language="pt-br"),
        page("/blog/", language="en", generated=True),
        page("/draft/", language="en", published=False),
        page("/stats/", language="en", type="stats"),
        page("/unknown/"),
    )
    return site


@pytest.fixture
def single(site: Site) -> Site:
    """Two pages in English."""
    deploy(site, page(GUIDE, language="en"), page(FAQ, language="en-gb"))
    return site


def _report(found: dict[str, Any]) -> tuple[int, int]:
    return found["facts"]["languages"], found["facts"]["hidden"]


def test_pages_that_readers_have_no_translation_of(several: Site) -> None:
    """Those first, then what they read in another language though it is there in theirs."""
    _views(several, "de-AT", GUIDE, *range(5))
    _views(several, "de", FAQ, *range(3))
    _views(several, "fr", GUIDE, 10, 11, 12, 13)
    _views(several, "fr-CA", GERMAN, 10, 11, 12)
    _views(several, "pt", GUIDE, 20, 21, 22)
    _views(several, "en-GB", GERMAN, 30, 31, 32)
    # In their own language, known or not, or on what is no page to be read.
    _views(several, "en-US", GUIDE, 30, 31, 32, 33)
    _views(several, "pt-PT", "/pt-BR/guide/", 20, 21, 22)
    _views(several, "", GUIDE, 40, 41, 42)
    for path in ("/blog/", "/draft/", "/stats/", "/unknown/", "/gone/"):
        _views(several, "fr", path, 10, 11, 12)

    assert rows(several, "languages") == [
        ("fr", GUIDE, "GUIDE", 4, 4, False),
        ("de", FAQ, "FAQ", 3, 3, False),
        ("fr", GERMAN, "DE/GUIDE", 3, 3, False),
        ("de", GUIDE, "GUIDE", 5, 5, True),
        ("en", GERMAN, "DE/GUIDE", 3, 3, True),
        ("pt", GUIDE, "GUIDE", 3, 3, True),
    ]
    assert _report(ask(several, "languages")) == (3, 0)


def test_views_are_not_readers(several: Site) -> None:
    """Two readers are too few, however often they come; a third makes a row."""
    for _ in range(3):
        _views(several, "fr", GUIDE, 1, 2)
        several.clock.advance(1_800)
    assert rows(several, "languages") == []
    assert _report(ask(several, "languages")) == (3, 1)

    _views(several, "fr", GUIDE, 3)
    assert rows(several, "languages") == [("fr", GUIDE, "GUIDE", 7, 3, False)]
    assert rows(several, "languages", k=4) == []
    assert several.client.get("/api/content/languages?k=2").status_code == 400


def test_what_falls_back_is_no_translation(site: Site) -> None:
    """A plugin for translations builds one source into the folders of all languages."""
    deploy(
        site,
        page(GUIDE, language="en", source="guide.md"),
        page(GERMAN, language="de", source="guide.md"),
        page(FAQ, language="en", source="faq.md"),
        page("/de/faq/", language="de", source="faq.de.md"),
    )
    for path in (GUIDE, GERMAN, FAQ, "/de/faq/"):
        _views(site, "de", path, 1, 2, 3)

    assert rows(site, "languages") == [
        ("de", GERMAN, "DE/GUIDE", 3, 3, False),
        ("de", GUIDE, "GUIDE", 3, 3, False),
        ("de", FAQ, "FAQ", 3, 3, True),
    ]


def test_a_site_in_one_language(single: Site) -> None:
    """Shares are of the views by readers whose language is known; British English is English."""
    _views(single, "de", GUIDE, 1, 2, 3, 4)
    _views(single, "de", FAQ, 1, 2)
    _views(single, "fr", GUIDE, 11, 12)
    _views(single, "fr", FAQ, 13)
    _views(single, "ja", FAQ, 21, 22)
    _views(single, "en-US", FAQ, *range(30, 40))
    _views(single, "", FAQ, 41, 42, 43)

    # Of French readers no page has three.
    assert rows(single, "languages") == [
        ("de", 6, 4, 0.2857, GUIDE, "GUIDE"),
        ("fr", 3, 3, 0.1429, None, None),
    ]
    assert _report(ask(single, "languages")) == (1, 1)


def test_nothing_is_known_of_the_languages_of_the_pages(site: Site) -> None:
    """An older plugin does not say them."""
    deploy(site, page(GUIDE), page(FAQ))
    _views(site, "de", GUIDE, 1, 2, 3)

    assert rows(site, "languages") == []
    assert _report(ask(site, "languages")) == (0, 0)


def test_only_the_days_that_are_asked_for(single: Site) -> None:
    """Who came on the day before is no reader of these days."""
    _views(single, "de", GUIDE, 1)
    single.clock.advance(7 * DAY)
    _views(single, "de", GUIDE, 2, 3)

    assert rows(single, "languages", period="7d") == []
    assert rows(single, "languages", period="30d") == [("de", 3, 3, 1.0, GUIDE, "GUIDE")]


def test_what_there_was_no_time_for_is_said(single: Site) -> None:
    """The latest days are read first; the fact says from which day on they are counted."""
    for _ in range(2):
        _views(single, "de", GUIDE, 1, 2, 3)
        single.clock.advance(DAY)
    times = iter([0.0, 1.0, 2.0, 6.0])
    read = content_reader(single.tracker.engine, lambda: next(times))
    found = ContentAnswers((REPORT,), read, single.clock).answer("languages", {"period": "30d"})

    assert b'"since":"2026-01-02"' in found
    assert b'"views":3,"readers":3' in found
    assert rows(single, "languages")[0][1] == 6


@pytest.mark.parametrize(
    ("path", "language", "base"),
    [
        ("/de/guide/", "de", "/guide/"),
        ("/de/", "de", "/"),
        ("/pt-BR/guide/", "pt-br", "/guide/"),
        ("/pt_BR/guide/", "pt-br", "/guide/"),
        ("/pt/guide/", "pt-br", "/guide/"),
        ("/guide/", "de", "/guide/"),
        ("/de", "de", "/de"),
        ("/de.html", "de", "/de.html"),
        ("/design/", "de", "/design/"),
        ("/", "en", "/"),
        ("/guide/de/", "de", "/guide/de/"),
        # Of a page in English it is the name of a page.
        ("/it/guide/", "en", "/it/guide/"),
    ],
)
def test_the_folder_of_a_language(path: str, language: str, base: str) -> None:
    """It is the first one, and it is the page's own language."""
    assert base_of(path, language) == base


def test_primary_subtags() -> None:
    """In lower case, whichever way the rest is joined."""
    assert [*map(subtag_of, ("de", "pt-br", "zh_Hant_TW", "EN-us"))] == ["de", "pt", "zh", "en"]
