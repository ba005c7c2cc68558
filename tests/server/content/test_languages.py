"""Readers whose language a page is not in: each page and language once, and no single reader."""

from typing import Any

import pytest
from click.testing import CliRunner

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import deploy, page
from tracker_server.cli import main
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


def test_readers_by_the_language_of_the_pages(several: Site) -> None:
    """Whoever they are; a share is one of the views in the rows, so that it tells of no others."""
    _views(several, "en", GUIDE, *range(5))
    _views(several, "", GUIDE, 5)
    _views(several, "de", FAQ, 10, 11, 12)
    _views(several, "en", GERMAN, 0, 1, 2)
    _views(several, "pt", "/pt-BR/guide/", 20, 21)
    for path in ("/blog/", "/draft/", "/stats/", "/unknown/", "/gone/"):
        _views(several, "en", path, 30, 31, 32)

    assert rows(several, "languages", docs=1) == [
        ("en", 2, 9, 9, 0.75, GUIDE, "GUIDE"),
        ("de", 1, 3, 3, 0.25, GERMAN, "DE/GUIDE"),
    ]
    assert _report(ask(several, "languages", docs=1)) == (3, 1)
    assert rows(several, "languages", docs=1, k=4) == [("en", 2, 9, 9, 1.0, GUIDE, "GUIDE")]
    assert _report(ask(several, "languages", docs=1, k=4)) == (3, 2)


def test_nobody_is_as_hidden_as_one_and_two(several: Site) -> None:
    """Whether a language has no reader or two of them is not told."""
    _views(several, "pt", "/pt-BR/guide/", 9)
    none = ask(several, "languages", docs=1)
    _views(several, "de", GERMAN, 1, 2)
    assert ask(several, "languages", docs=1) == none
    assert (none["rows"], none["facts"]["hidden"]) == ([], 3)


@pytest.mark.parametrize("others", [0, 1, 2, 3])
@pytest.mark.parametrize("language", ["de", "fr", ""])
def test_no_few_readers_are_told_by_subtracting(several: Site, language: str, others: int) -> None:
    """A row is hidden where fewer than three of its readers are in no row without the option."""
    _views(several, "en", GERMAN, 1, 2, 3)
    # Of those who are told, also those who come back in the language of the page.
    _views(several, "en", "/pt-BR/guide/", 1, 2, 3)
    _views(several, language, GERMAN, *range(10, 10 + others))

    said = ask(several, "languages", docs=1)["rows"]
    views = {row["language"]: (row["views"], row["readers"]) for row in said}
    assert views.get("de") == (None if others in {1, 2} else (3 + others, 3 + others))
    assert views["pt"] == (3, 3)
    higher = ask(several, "languages", docs=1, k=100)
    assert (higher["rows"], higher["facts"]["hidden"]) == ([], 3)


def test_few_among_many_who_are_not_told_are_not_told(several: Site) -> None:
    """Readers of whom no language is known are in no other row, however many."""
    _views(several, "", GERMAN, 1, 2, 3)
    _views(several, "fr", GERMAN, 4)

    found = ask(several, "languages", docs=1)
    assert [(row["language"], row["readers"]) for row in found["rows"]] == [("de", 4)]


@pytest.mark.parametrize("others", [0, 1, 2, 3])
@pytest.mark.parametrize("language", ["en", "fr", ""])
def test_no_few_readers_are_told_of_a_site_in_one_language(
    single: Site, language: str, others: int
) -> None:
    """There it is by language whether readers are told, whether or not one page has so many."""
    _views(single, "de", GUIDE, 1, 2)
    _views(single, "de", FAQ, 3)
    _views(single, language, FAQ, *range(10, 10 + others))

    shown = [("en", 2, 3 + others, 3 + others, 1.0)] if others in {0, 3} else []
    assert [row[:5] for row in rows(single, "languages", docs=1)] == shown


@pytest.mark.parametrize(
    ("language", "pages"),
    [
        *((text, [FAQ, GUIDE]) for text in ("de", "DE", "de-AT", "de_CH")),
        ("fr", [GUIDE]),
        ("", [FAQ, GUIDE, GUIDE]),
        *((text, []) for text in ("en", "xx", "d", "-de", "German", "(other)")),
    ],
)
def test_what_readers_of_one_language_lack(several: Site, language: str, pages: list[str]) -> None:
    """In the same order; an unknown language has nothing."""
    _views(several, "de", GUIDE, 1, 2, 3)
    _views(several, "de", FAQ, 1, 2, 3)
    _views(several, "fr", GUIDE, 11, 12, 13, 14)
    found = ask(several, "languages", language=language)

    assert sorted(row["path"] for row in found["rows"]) == pages
    assert found["rowCount"] == len(pages)
    assert found["options"] == {"k": 3, "docs": 0, "language": language}


def test_asking_for_a_language_does_not_tell_who_is_hidden(several: Site) -> None:
    """How many rows are hidden is said of all languages."""
    _views(several, "fr", GUIDE, 1)
    for language in ("fr", "de", "xx"):
        found = ask(several, "languages", language=language)
        assert (found["rows"], found["facts"]["hidden"]) == ([], 1)


def test_one_language_of_a_site_in_one(single: Site) -> None:
    """Shares are what they are among all, and docs has one row."""
    _views(single, "de", GUIDE, 1, 2, 3)
    _views(single, "fr", GUIDE, 11, 12, 13)

    assert rows(single, "languages", language="fr") == [("fr", 3, 3, 0.5, GUIDE, "GUIDE")]
    assert rows(single, "languages", docs=1, language="EN")[0][:3] == ("en", 2, 6)
    assert rows(single, "languages", docs=1, language="fr") == []


def test_the_page_has_a_field_for_the_language(several: Site) -> None:
    """It has what was written into it; where that is nothing, it is in no link."""
    _views(several, "de", GUIDE, 1, 2, 3)
    _views(several, "fr", FAQ, 11, 12, 13)

    def page_of(status: int = 200, **query: str) -> str:
        answer = several.client.get("/stats/content/languages", query_string=query)
        assert answer.status_code == status
        return answer.get_data(as_text=True)

    field = '<input name="language" maxlength="100" value="{}" placeholder="de">'
    everything, german = page_of(language="", k="3"), page_of(language="DE", k="3")
    assert field.format("") in everything
    assert "language=" not in everything
    assert field.format("DE") in german
    assert ">GUIDE<" in everything
    assert ">GUIDE<" in german
    assert ">FAQ<" in everything
    assert ">FAQ<" not in german
    assert german.count('name="language"') == 1
    assert 'href="/stats/content/languages?period=7d&amp;language=DE&amp;k=3"' in german
    assert 'href="/api/content/languages.csv?language=DE&amp;k=3&amp;limit=1000"' in german
    hostile = page_of(language='"><script>')
    assert field.format("&#34;&gt;&lt;script&gt;") in hostile
    assert "language: must have at most 100 characters" in page_of(400, language="x" * 101)


def test_the_commands_and_the_file_take_a_language(several: Site) -> None:
    """As the page does; too long a text is refused, and says why."""
    _views(several, "de", GUIDE, 1, 2, 3)
    _views(several, "fr", FAQ, 11, 12, 13)
    query = {"language": "de"}
    file = several.client.get("/api/content/languages.csv", query_string=query).text
    refused = several.client.get("/api/content/languages", query_string={"language": "x" * 101})
    said = "language: must have at most 100 characters, all of them printable"

    assert file.splitlines()[1:] == ["de,/guide/,GUIDE,3,3,true"]
    assert (refused.status_code, refused.get_json()["error"]) == (400, said)
    url = several.tracker.settings.database_url
    command = ["report", "languages", "--database-url", url, "--period", "all", "--csv"]
    ran = CliRunner().invoke(main, [*command, "--set", "language=de"])
    assert (ran.exit_code, ran.output.splitlines()[1:]) == (0, file.splitlines()[1:])
    ran = CliRunner().invoke(main, [*command, "--set", f"language={'x' * 101}"])
    assert ran.exit_code == 1
    assert said in ran.output


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
