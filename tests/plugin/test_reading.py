"""How much there is to read on a page: lines of code, and the time for all of it."""

import pytest

from mkdocs_stats_plugin.reading import reading_seconds, set_code_apart
from tests.plugin.sites import Site


@pytest.mark.parametrize(
    ("html", "lines"),
    [
        pytest.param("<p>one\ntwo</p>", 0, id="no-code"),
        pytest.param("<p><code>a</code></p>", 0, id="in-a-line"),
        pytest.param("<pre><code>a\n\n  \nb\n</code></pre>", 2, id="blank-lines"),
        pytest.param("<pre>a</pre>\n<pre>b\nc</pre>", 3, id="two-blocks"),
        pytest.param("<pre><span></span><code><span>\n</span>a\n</code></pre>", 1, id="tags"),
        pytest.param(
            '<div class="linenodiv"><pre>1\n2</pre></div><pre>a\nb</pre>', 2, id="column-of-numbers"
        ),
        pytest.param(
            '<pre><span class="linenos">1</span>a\n<span class="linenos">2</span>\n</pre>',
            1,
            id="numbers-before-lines",
        ),
        pytest.param('<pre class="mermaid"><code>a\nb</code></pre>', 0, id="diagram"),
        pytest.param("<script>a\nb</script><!-- <pre>a</pre> -->", 0, id="not-shown"),
    ],
)
def test_lines_of_code_are_those_that_are_not_blank(html: str, lines: int) -> None:
    """Whatever Pygments has made of them, and without its numbers."""
    assert set_code_apart(html)[1] == lines


@pytest.mark.parametrize(
    ("words", "lines", "seconds"),
    [(0, 0, 0), (1, 0, 0), (2, 0, 1), (240, 0, 60), (242, 0, 61), (0, 7, 14), (480, 10, 140)],
)
def test_reading_takes_its_time(words: int, lines: int, seconds: int) -> None:
    """240 words a minute and two seconds for a line of code, a half rounded up."""
    assert reading_seconds(words, lines) == seconds


@pytest.mark.parametrize("style", ["table", "inline", "pymdownx-inline", None])
@pytest.mark.parametrize("theme", ["mkdocs", "readthedocs", "material"])
def test_the_manifest_has_the_lines_of_code(site: Site, theme: str, style: str | None) -> None:
    """The same in any theme, and however their lines are numbered."""
    numbers = {"linenums": style is not None, "linenums_style": style or "table"}
    site.settings = {
        "theme": theme,
        "markdown_extensions": ["pymdownx.superfences", {"pymdownx.highlight": numbers}],
    }
    site.write(
        "index.md",
        "# Kettle\n\nIt boils water, as `kettle()` says.\n\n"
        "```python\ndef boil():\n    pass\n\n\nboil()\n```\n\n    plain\n",
    )

    entry = site.build().entries()["/"]

    assert (entry["words"], entry["code_lines"], entry["reading_seconds"]) == (7, 4, 10)


@pytest.mark.parametrize("theme", ["mkdocs", "material"])
def test_widgets_are_not_there_to_be_read(site: Site, theme: str) -> None:
    """A section has as many words with a form below it as without."""
    text = "# Kettle\n\nIt boils.\n\n## Steps\n\nFill it, and wait.\n\n{}\n\n## Troubles\n\nNone.\n"
    widgets = '<div data-stats="feedback"></div>\n\n<div data-stats="opt-out"></div>'
    site.settings = {"theme": theme}
    site.write("index.md", text.format(""))
    site.write("rated.md", text.format(widgets))
    built = site.build()
    plain, rated = (built.entries()[path] for path in ("/", "/rated/"))

    assert "mkdocs-stats-feedback" in built.html("rated/index.html")
    assert rated["words"] == plain["words"] == 10
    assert rated["headings"] == plain["headings"]


def test_a_listing_has_nothing_to_read(site: Site) -> None:
    """What nobody wrote has neither words nor code nor links, nor a place of its own."""
    site.settings = {"theme": "material"}
    site.plugins = ["blog"]
    site.write("blog/index.md", "# Blog\n")
    site.write("blog/posts/a.md", "---\ndate: 2026-03-01\n---\n\n# A\n")

    assert site.build().entries()["/blog/archive/2026/"].keys() == {
        *("path", "slug", "title", "type", "published", "generated", "language"),
    }
