"""The statistics page inside the site."""

import re

import pytest

from mkdocs_stats_plugin.stats_page import place_body, render_body, render_source
from mkdocs_stats_plugin.texts import LANGUAGES, Texts, choose_language
from tests.plugin.sites import REPOSITORY, TRACKER, Site

THEMES = ["mkdocs", "readthedocs", "material"]
HOOKS = [
    f'data-stats="{TRACKER}"',
    "data-stats-state",
    'data-stat="activeVisitors"',
    'data-stat="totalPageViews"',
    'data-stat="uniqueVisitors"',
    'data-stat="publishedPosts"',
    'data-stat="publishedPages"',
    'data-stat="trackingSince"',
    'data-stat-rows="activeByPath"',
    'data-stat-rows="pageStats"',
    f'href="{TRACKER}/stats"',
]


@pytest.fixture
def stats_site(site: Site) -> Site:
    """Give a site with the page switched on."""
    site.options["stats_page"] = True
    return site


@pytest.mark.parametrize("theme", THEMES)
def test_the_page_is_made(stats_site: Site, theme: str) -> None:
    """Where the site has no such page it gets one, with everything that the script fills."""
    stats_site.settings = {"theme": theme}

    built = stats_site.build()

    html = built.html("stats/index.html")
    assert [hook for hook in HOOKS if html.count(hook) != 1] == []
    assert html.count("<h1") == 1
    assert built.entries()["/stats/"]["type"] == "stats"
    assert built.entries()["/stats/"]["title"] == "Statistics"


@pytest.mark.parametrize("theme", THEMES)
def test_all_pages_have_the_same_scripts(stats_site: Site, theme: str) -> None:
    """Instant navigation keeps what two heads have in common, so every page has all of it."""
    stats_site.settings = {"theme": theme}

    built = stats_site.build()

    names = {
        page: [address.rsplit("/", 1)[1] for address in built.tags(page).addresses]
        for page in built.pages()
    }
    assert len({tuple(found) for found in names.values()}) == 1
    kinds = [name.split(".")[::2] for name in names["index.html"]]
    assert kinds == [["tracker", "js"], ["stats", "css"], ["stats", "js"]]


def test_the_page_stays_out_of_the_search(stats_site: Site) -> None:
    """Its words are the same on every site and of no use to someone who searches."""
    stats_site.settings = {"theme": "material"}
    stats_site.plugins = ["search"]

    built = stats_site.build()

    assert "Views by page" not in built.html("search/search_index.json")


@pytest.mark.parametrize("nav", [True, False])
def test_the_page_may_be_in_the_navigation(stats_site: Site, *, nav: bool) -> None:
    """Listing it and leaving it out are both free of warnings."""
    entries = ["index.md", "guide/index.md", "guide/install.md"]
    stats_site.settings = {"nav": [*entries, {"Readers": "stats.md"}] if nav else entries}

    built = stats_site.build()

    assert ('href="stats/"' in built.html("index.html")) is nav
    assert built.entries()["/stats/"]["title"] == ("Readers" if nav else "Statistics")


def test_path_and_title_are_options(stats_site: Site) -> None:
    """No letter of a title is taken for markup."""
    stats_site.options |= {
        "stats_page_path": "about/readers.md",
        "stats_page_title": 'Who: "reads" & *what* #1',
    }

    built = stats_site.build()

    assert built.entries()["/about/readers/"]["type"] == "stats"
    assert built.entries()["/about/readers/"]["title"] == 'Who: "reads" & *what* #1'
    heading = "<h1>Who: &quot;reads&quot; &amp; *what* #1</h1>"
    assert heading in built.html("about/readers/index.html")


@pytest.mark.parametrize("theme", THEMES)
def test_the_page_of_the_author_is_used(stats_site: Site, theme: str) -> None:
    """The figures stand where its placeholder stood."""
    stats_site.settings = {"theme": theme}
    stats_site.write("stats.md", "# Readers\n\nBefore.\n\n<div data-stats-page></div>\n\nAfter.\n")

    html = stats_site.build().html("stats/index.html")

    before, figures, after = (html.index(text) for text in ("Before.", HOOKS[0], "After."))
    assert before < figures < after
    assert "data-stats-page" not in html


def test_a_page_without_placeholder_gets_the_figures_at_its_end(stats_site: Site) -> None:
    """Whoever switches the page on wants to see it."""
    stats_site.write("stats.md", "# Readers\n\nBefore.\n")

    html = stats_site.build().html("stats/index.html")

    assert html.index("Before.") < html.index(HOOKS[0])


@pytest.mark.parametrize(
    "placeholder",
    [
        "<div data-stats-page></div>",
        '<div class="wide" data-stats-page="">\n</div>',
        "<DIV data-stats-page id=a ></DIV>",
    ],
)
def test_only_the_first_placeholder_is_replaced(placeholder: str) -> None:
    """One page has one set of figures, however the placeholder is written."""
    html = f"<p>a</p>{placeholder}<p>b</p>{placeholder}"

    assert place_body(html, "BODY") == f"<p>a</p>BODY<p>b</p>{placeholder}"


def test_an_excluded_page_still_works(stats_site: Site) -> None:
    """Whoever does not want to be counted while looking at the figures excludes their page."""
    stats_site.options["exclude"] = ["stats.md"]

    built = stats_site.build()

    tags = built.tags("stats/index.html")
    assert (tags.metas, len(tags.addresses)) == ([""], 3)
    assert HOOKS[0] in built.html("stats/index.html")
    assert "/stats/" not in built.entries()


def test_a_preview_shows_the_page(stats_site: Site) -> None:
    """`mkdocs serve` counts no one and yet shows what the page looks like."""
    built = stats_site.build(command="serve")

    assert len(built.tags("index.html").addresses) == 2
    assert HOOKS[0] in built.html("stats/index.html")


def test_a_switched_off_plugin_keeps_the_page(stats_site: Site) -> None:
    """A navigation that lists the page must not break where `enabled` is false."""
    stats_site.options = {"stats_page": True, "enabled": False}
    stats_site.settings = {
        "nav": ["index.md", "guide/index.md", "guide/install.md", {"Readers": "stats.md"}]
    }

    built = stats_site.build()

    assert "switched off" in built.html("stats/index.html")
    assert built.tags("stats/index.html").addresses == []


@pytest.mark.parametrize(
    ("theme", "said"),
    [
        pytest.param("material", "Views by page", id="none"),
        pytest.param({"name": "material", "language": "de"}, "Aufrufe nach Seite", id="material"),
        pytest.param({"name": "mkdocs", "locale": "de"}, "Aufrufe nach Seite", id="mkdocs"),
        pytest.param({"name": "readthedocs", "locale": "de"}, "Aufrufe nach Seite", id="rtd"),
        pytest.param({"name": "material", "language": "fr"}, "Views by page", id="another"),
    ],
)
def test_the_page_speaks_the_language_of_the_theme(
    stats_site: Site, theme: object, said: str
) -> None:
    """Texts and title; what is not the language of the site around it says which it is."""
    stats_site.settings = {"theme": theme}

    built = stats_site.build()

    html = built.html("stats/index.html")
    german = said.startswith("Aufrufe")
    assert f"<h2>{said}</h2>" in re.sub(r"<h2[^>]*>", "<h2>", html)
    assert built.entries()["/stats/"]["title"] == ("Statistik" if german else "Statistics")
    foreign = isinstance(theme, dict) and not german
    assert ('lang="en" data-type-home' in html) is foreign


def test_the_language_is_an_option(stats_site: Site) -> None:
    """It wins over the theme's, and the page's title is no longer that of the catalogue."""
    stats_site.options |= {"stats_page_language": "de", "stats_page_title": "Readers"}

    html = stats_site.build().html("stats/index.html")

    assert "Aufrufe nach Seite" in html
    assert 'lang="de" data-type-home="Start"' in html
    assert "<h1>Readers</h1>" in html


@pytest.mark.parametrize(
    ("tag", "language"),
    [("de", "de"), ("de-AT", "de"), ("de_CH", "de"), ("DE", "de"), ("pt-BR", "en"), ("", "en")],
)
def test_languages_of_the_catalogue(tag: str, language: str) -> None:
    """A tag chooses by its first part; what the catalogue has not is English."""
    assert choose_language(tag) == language


def test_the_catalogue_is_complete_and_used() -> None:
    """Both languages have the same texts with the same places, and each stands in the code."""
    english, german = (Texts(language).all for language in LANGUAGES)
    package = REPOSITORY / "mkdocs_stats_plugin"
    code = (package / "assets" / "stats_page.html").read_text(encoding="utf-8")
    code += "".join(path.read_text(encoding="utf-8") for path in package.glob("*.py"))
    computed = {f"type.{name}" for name in ("home", "blog", "page", "stats")}
    unused = {key for key in english if not re.search(rf"{re.escape(key.split('.')[-1])}\b", code)}

    assert english.keys() == german.keys()
    assert {k: re.findall(r"{\w+}", t) for k, t in english.items()} == {
        k: re.findall(r"{\w+}", t) for k, t in german.items()
    }
    assert unused - computed == set()


def test_the_tracker_address_is_escaped() -> None:
    """An address with an ampersand stays one attribute."""
    assert 'data-stats="https://t.example/a&amp;b"' in render_body("https://t.example/a&b", Texts())


def test_the_source_is_markdown_with_front_matter() -> None:
    """The made page is what an author would write by hand."""
    source = render_source("Statistics")

    assert source.startswith('---\ntitle: "Statistics"\n')
    assert "<div data-stats-page></div>" in source
