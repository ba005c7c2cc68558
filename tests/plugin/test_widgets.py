"""The widgets that an author may put on a page."""

import pytest
from mkdocs.exceptions import Abort

from mkdocs_stats_plugin.config import TextsConfig
from mkdocs_stats_plugin.widgets import place_widgets
from tests.plugin.sites import Site

THEMES = ["mkdocs", "readthedocs", "material"]
PAGE = '# Privacy\n\nBefore.\n\n<div data-stats="opt-out"></div>\n\nBetween.\n\n<div data-stats="feedback"></div>\n\nAfter.\n'  # noqa: E501
OPT_OUT = (
    '<button type="button" class="md-button btn btn-secondary btn-neutral" '
    'data-stats-opt-out="Count my visits again" aria-pressed="false">'
    "Do not count my visits</button>"
)


def texts(**words: str) -> TextsConfig:
    """Return the option `texts`."""
    config = TextsConfig()
    config.load_dict(words)
    assert config.validate() == ([], [])
    return config


@pytest.mark.parametrize("theme", THEMES)
def test_widgets_stand_where_their_elements_stood(site: Site, theme: str) -> None:
    """In each theme both are rendered in their place, once."""
    site.settings = {"theme": theme}
    site.write("privacy.md", PAGE)

    html = site.build().html("privacy/index.html")

    marks = ["Before.", OPT_OUT, "Between.", 'btn-neutral" data-md-value="1">Yes<', "After."]
    places = [html.index(mark) for mark in marks]
    assert places == sorted(places)
    assert [html.count(mark) for mark in marks] == [1] * 5
    assert 'data-stats="' not in html


def test_texts_can_be_translated(site: Site) -> None:
    """Each word is an option of its own, and the others stay."""
    site.options["texts"] = {"stop": "Nicht zählen", "yes": "Ja"}
    site.write("privacy.md", PAGE)

    html = site.build().html("privacy/index.html")

    assert ">Nicht zählen</button>" in html
    assert ">Ja</button>" in html
    assert ">No</button>" in html


def test_texts_are_escaped() -> None:
    """No word ends its attribute or its element."""
    words = texts(resume='"><script>', stop="a < b & c")

    html, _ = place_widgets('<div data-stats="opt-out"></div>', words)

    assert 'data-stats-opt-out="&quot;&gt;&lt;script&gt;"' in html
    assert ">a &lt; b &amp; c</button>" in html


@pytest.mark.parametrize(
    "element",
    [
        '<div data-stats="opt-out"></div>',
        "<div data-stats=opt-out></div>",
        "<div class=a data-stats='opt-out' id=b>\n</div>",
        '<DIV data-stats="Opt-Out" ></DIV>',
    ],
)
def test_an_element_may_be_written_in_any_way(element: str) -> None:
    """Minified, with other attributes, in capitals."""
    assert place_widgets(f"a{element}b", texts()) == (f"a<p>{OPT_OUT}</p>b", [])


@pytest.mark.parametrize(
    "html",
    [
        "<p>Nothing of ours.</p>",
        "<pre>&lt;div data-stats=&quot;opt-out&quot;&gt;&lt;/div&gt;</pre>",
        "<div data-stats-page></div>",
        '<div data-stats="opt-out">full</div>',
        '<span data-stats="opt-out"></span>',
    ],
)
def test_what_is_no_such_element_is_left_alone(html: str) -> None:
    """Code that shows the element, and elements of other names, stay as they are."""
    assert place_widgets(html, texts()) == (html, [])


@pytest.mark.parametrize("strict", [True, False])
def test_an_unknown_widget_is_a_warning(
    site: Site, caplog: pytest.LogCaptureFixture, *, strict: bool
) -> None:
    """The page and the name are said; `--strict` stops, else the element stays."""
    site.write("privacy.md", '<div data-stats="optout"></div>\n')

    if strict:
        with pytest.raises(Abort):
            site.build()
    else:
        html = site.build(strict=False).html("privacy/index.html")
        assert '<div data-stats="optout"></div>' in html

    assert "privacy.md: no widget is called 'optout'" in caplog.text


def test_widgets_without_their_script_are_a_warning(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """A button that does nothing is left out, and the author is told why."""
    site.options["extras"] = False
    site.write("privacy.md", PAGE)

    html = site.build(strict=False).html("privacy/index.html")

    assert "data-stats" not in html
    assert "privacy.md: widgets need the option 'extras'" in caplog.text


@pytest.mark.parametrize("options", [{}, {"enabled": False}])
def test_pages_that_are_not_tagged_have_no_widgets(site: Site, options: dict[str, object]) -> None:
    """Without a tracker, or switched off, the elements vanish without a warning."""
    site.options = options
    site.write("privacy.md", PAGE)

    html = site.build().html("privacy/index.html")

    assert "data-stats" not in html
    assert html.index("Before.") < html.index("Between.") < html.index("After.")


def test_a_preview_has_no_widgets(site: Site) -> None:
    """`mkdocs serve` tags nothing, so there is nothing to opt out of."""
    site.write("privacy.md", PAGE)

    assert "data-stats" not in site.build(command="serve").html("privacy/index.html")


def test_the_statistics_page_may_have_widgets(site: Site) -> None:
    """The figures of that page are no widget, and are not taken for one."""
    site.options["stats_page"] = True
    site.write(
        "stats.md", '# Readers\n\n<div data-stats-page></div>\n\n<div data-stats="opt-out"></div>\n'
    )

    html = site.build().html("stats/index.html")

    assert html.count(OPT_OUT) == 1
    assert html.count("data-stats-state") == 1
