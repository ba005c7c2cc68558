"""What the manifest says about pages: identity, title, type, publication."""

import unicodedata

import pytest

from mkdocs_stats_plugin.paths import site_path
from mkdocs_stats_plugin.reading import (
    MAX_ANCHOR_CHARS,
    MAX_HEADINGS,
    MAX_TITLE_CHARS,
    plain_text,
    read_text,
    set_code_apart,
)
from tests.plugin.sites import Site

POST = "---\ndate: {date}\n---\n\n# {title}\n\nText.\n"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("", "/"),
        ("index.html", "/"),
        ("guide/", "/guide/"),
        ("guide/index.html", "/guide/"),
        ("guide/a.html", "/guide/a.html"),
        ("guide/myindex.html", "/guide/myindex.html"),
        ("guide/%C3%BCber%20uns/", "/guide/über uns/"),
        ("guide/u%CC%88ber/", "/guide/über/"),
        ("Guide/A/", "/Guide/A/"),
    ],
)
def test_a_path_is_the_decoded_address(url: str, path: str) -> None:
    """Escapes are decoded, accents composed, `index.html` cut, case kept."""
    assert site_path(url) == path
    assert unicodedata.is_normalized("NFC", site_path(url))


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Install", "Install"),
        (None, ""),
        (2026, "2026"),
        ("A &amp; B", "A & B"),
        ("&lt;quiet&gt; &quot;fast&quot;", '<quiet> "fast"'),
        ("Use <code>kettle</code>  <b class='x'>now</b>", "Use kettle now"),
        ("a < b > c", "a < b > c"),
        ("A<!-- <b> -->B", "AB"),
        ("two\n lines", "two lines"),
        ("x" * 2000, "x" * MAX_TITLE_CHARS),
    ],
)
def test_a_title_is_plain_text(title: object, text: str) -> None:
    """Markup goes, entities become letters, white space is one blank."""
    assert plain_text(title) == text


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<h1>Install it</h1><p>It\u2019s a well-known <b>kettle</b>, v1.2.</p>", 7),
        ("<p>Run</p><pre><code>pip install kettle</code></pre><p>then boil.</p>", 3),
        ("<p>one</p><script>var two = 3</script><style>.a {}</style><!-- four five -->", 1),
        ("<p>&Uuml;ber &amp; bar</p>", 2),
        ("<p>\u304a\u6e6f\u3092\u6cb8\u304b\u3059 tea</p>", 7),
        ("", 0),
    ],
)
def test_words_are_what_there_is_to_read(html: str, words: int) -> None:
    """Code blocks are not read word by word; a sign of Japanese takes as long as a word."""
    assert read_text(set_code_apart(html)[0])[0] == words


def test_the_manifest_has_the_words_of_each_page(site: Site) -> None:
    """But for listings, which nobody wrote."""
    site.write("index.md", "# Kettle\n\nBoils *water* quickly.\n\n    not this\n")

    assert site.build().entries()["/"].get("words") == 4


@pytest.mark.parametrize(
    ("html", "headings"),
    [
        pytest.param(
            '<h1 id="a">Install it</h1><p>now</p><h3 id="b">On <b>Linux</b> &amp; BSD</h3>',
            [("a", "Install it", 1, 3), ("b", "On Linux & BSD", 3, 3)],
            id="in-page-order",
        ),
        pytest.param(
            '<h2 id="a">A<a class="headerlink" href="#a" title="Permanent">&para;</a></h2>',
            [("a", "A", 2, 1)],
            id="permalink",
        ),
        pytest.param(
            '<h2 id="\u00fc b"><a class="toclink" href="#%C3%BC%20b">All of it</a></h2>',
            [("\u00fc b", "All of it", 2, 3)],
            id="the-whole-is-a-link",
        ),
        pytest.param(
            '<h2 id="a">See <a href="#b">there</a></h2>', [("a", "See there", 2, 2)], id="link"
        ),
        pytest.param("<h2 class='x' ID='a &amp; b'>A</h2>", [("a & b", "A", 2, 1)], id="quotes"),
        pytest.param("<h2 id=a>A</h2>", [("a", "A", 2, 1)], id="no-quotes"),
        pytest.param('<h2 id="a"><img src="x.png"></h2>', [("a", "a", 2, 0)], id="no-text"),
        pytest.param(
            '<h2 id="a">A</h2>one<h2 id="a">Again</h2>two<h2>B</h2><h5 id="c">C</h5>',
            [("a", "A", 2, 6)],
            id="twice-or-deep-or-without-id",
        ),
        pytest.param('<h2 data-id="a">A</h2><header id="b">B</header>', [], id="no-id"),
        pytest.param(
            '<pre><h2 id="a">A</h2></pre><!-- <h2 id="b">B</h2> --><h2 id="c">C</h2>',
            [("c", "C", 2, 1)],
            id="not-shown",
        ),
        pytest.param(f'<h2 id="{"a" * (MAX_ANCHOR_CHARS + 1)}">A</h2>', [], id="id-too-long"),
    ],
)
def test_the_headings_of_a_page(html: str, headings: list[tuple[str, str, int, int]]) -> None:
    """Each with its id, its text, its level and the words down to the next one."""
    text, _ = set_code_apart(html)

    assert [tuple(heading.values()) for heading in read_text(text)[1]] == headings


def test_no_more_headings_than_a_manifest_may_have() -> None:
    """What is below those that are left out belongs to the last one."""
    html = "".join(f'<h2 id="{n}">Word {n}</h2>' for n in range(MAX_HEADINGS + 10))
    words, headings = read_text(html)

    assert (words, len(headings)) == (2 * (MAX_HEADINGS + 10), MAX_HEADINGS)
    assert headings[-1]["words"] == 22


@pytest.mark.parametrize("theme", ["mkdocs", "material"])
def test_the_manifest_has_the_headings_of_each_page(site: Site, theme: str) -> None:
    """As the page shows them, whatever the table of contents leaves out."""
    site.settings = {
        "theme": theme,
        "markdown_extensions": [{"toc": {"permalink": True, "toc_depth": 2}}, "attr_list"],
    }
    site.write(
        "index.md",
        "# Kettle\n\nIt boils.\n\n## *How* to `boil`\n\nSlowly.\n\n"
        "### Chosen { #own }\n\n##### Deep\n\n## How to boil\n",
    )

    assert site.build().entries()["/"]["headings"] == [
        {"id": "kettle", "title": "Kettle", "level": 1, "words": 3},
        {"id": "how-to-boil", "title": "How to boil", "level": 2, "words": 4},
        {"id": "own", "title": "Chosen", "level": 3, "words": 2},
        {"id": "how-to-boil_1", "title": "How to boil", "level": 2, "words": 3},
    ]


@pytest.mark.parametrize("theme", ["mkdocs", "material"])
def test_titles_are_the_same_wherever_they_come_from(site: Site, theme: str) -> None:
    """Heading, front matter, navigation and file name all end as plain text."""
    site.settings = {
        "theme": theme,
        "nav": [
            "index.md",
            "heading.md",
            "meta.md",
            {"In <b>nav</b> &amp; out": "nav.md"},
            "a-b.md",
        ],
        "not_in_nav": "/guide/",
    }
    site.write("heading.md", '# First boil: "fast" & `<quiet>` *now*\n')
    site.write("meta.md", "---\ntitle: 'Salt & \"pepper\"'\n---\n")
    site.write("nav.md", "# Other\n")
    site.write("a-b.md", "Text\n")

    entries = site.build().entries()

    titles = {str(entry["slug"]): entry["title"] for entry in entries.values()}
    assert titles["heading"] == 'First boil: "fast" & <quiet> now'
    assert titles["meta"] == 'Salt & "pepper"'
    assert titles["nav"] == "In nav & out"
    assert titles["a-b"] == "A b"


@pytest.mark.parametrize("directory_urls", [True, False])
def test_unicode_names_are_one_identity(site: Site, *, directory_urls: bool) -> None:
    """Tag and manifest hold the decoded, composed path, also for a decomposed file name."""
    site.settings = {"use_directory_urls": directory_urls}
    name = unicodedata.normalize("NFD", "über uns")
    site.write(f"{name}.md", "# Über\n")

    built = site.build()

    path = "/über uns/" if directory_urls else "/über uns.html"
    page = f"{name}/index.html" if directory_urls else f"{name}.html"
    assert built.tags(page).metas == [path]
    assert built.entries()[path]["slug"] == "über uns"


def test_posts_of_material_are_recognised(site: Site) -> None:
    """Posts, their dates, the listings that are made and the index that is written."""
    site.settings = {"theme": "material"}
    site.plugins = [{"blog": {"pagination_per_page": 1, "authors_profiles": True}}]
    site.write("blog/index.md", "# Blog\n")
    site.write("blog/.authors.yml", "authors:\n  a: {name: A, description: d, avatar: a.png}\n")
    for number in (1, 2):
        meta = f"date: 2026-03-0{number}\ncategories: [News]\nauthors: [a]\n"
        site.write(f"blog/posts/{number}.md", f"---\n{meta}---\n\n# Post {number}\n\nText.\n")

    entries = site.build().entries()

    assert {p: e["date"] for p, e in entries.items() if e["type"] == "post"} == {
        "/blog/2026/03/01/post-1/": "2026-03-01",
        "/blog/2026/03/02/post-2/": "2026-03-02",
    }
    assert "generated" not in entries["/blog/"]
    assert {path for path, entry in entries.items() if "generated" in entry} == {
        "/blog/archive/2026/",
        "/blog/archive/2026/page/2/",
        "/blog/author/a/",
        "/blog/author/a/page/2/",
        "/blog/category/news/",
        "/blog/category/news/page/2/",
        "/blog/page/2/",
    }


@pytest.mark.parametrize(
    ("value", "day"),
    [
        pytest.param("2026-03-01", "2026-03-01", id="date"),
        pytest.param("2026-03-01 23:30:00", "2026-03-01", id="time"),
        pytest.param("2026-03-01T23:30:00-08:00", "2026-03-01", id="zone"),
        pytest.param("'2026-03-01T10:00'", "2026-03-01", id="text"),
        pytest.param("{created: 2026-03-01, updated: 2026-04-01}", "2026-03-01", id="mapping"),
        pytest.param("first of March", None, id="words"),
        pytest.param("2026", None, id="year"),
        pytest.param("", None, id="empty"),
        pytest.param("{updated: 2026-04-01}", None, id="no-creation"),
    ],
)
def test_posts_by_pattern_have_the_date_of_their_front_matter(
    site: Site, caplog: pytest.LogCaptureFixture, value: str, day: str | None
) -> None:
    """Anything YAML makes of a date is read; what is none is left out, and `--strict` builds."""
    caplog.set_level("INFO", "mkdocs.plugins")
    site.options["post_patterns"] = ["news/*.md"]
    site.write("news/one.md", POST.format(date=value, title="One"))

    entry = site.build().entries()["/news/one/"]

    assert entry["type"] == "post"
    assert entry.get("date") == day
    assert ("expected YYYY-MM-DD" in caplog.text) == (value in {"first of March", "2026"})


def test_only_posts_have_a_date(site: Site) -> None:
    """The date of another page is its author's affair."""
    site.write("guide/dated.md", POST.format(date="2026-03-01", title="Dated"))

    entry = site.build().entries()["/guide/dated/"]

    assert (entry["type"], entry.get("date")) == ("page", None)


def test_the_home_page_is_home(site: Site) -> None:
    """Exactly the page at the root, with an empty slug."""
    entries = site.build().entries()

    assert entries["/"]["slug"] == ""
    assert [path for path, entry in entries.items() if entry["type"] == "home"] == ["/"]


@pytest.mark.parametrize(
    ("source", "published"),
    [
        ("# A\n", True),
        ("---\npublished: true\n---\n# A\n", True),
        ("---\npublished: false\n---\n# A\n", False),
        ("---\ndraft: true\n---\n# A\n", False),
        ("---\ndraft: false\n---\n# A\n", True),
        ("published: False\n\n# A\n", False),
    ],
)
def test_a_page_may_be_withheld(site: Site, source: str, *, published: bool) -> None:
    """Front matter says that a page is built but not meant for readers."""
    site.write("a.md", source)

    assert site.build().entries()["/a/"]["published"] is published


def test_drafts_exist_in_a_preview_only(site: Site) -> None:
    """MkDocs's own drafts are listed as unpublished under `mkdocs serve`, else not at all."""
    site.settings = {"draft_docs": "/draft.md\n"}
    site.write("draft.md", "# Draft\n")

    assert site.build(command="serve").entries()["/draft/"]["published"] is False
    assert "/draft/" not in site.build().entries()


def test_draft_posts_exist_in_a_preview_only(site: Site) -> None:
    """The same for the drafts of Material's blog."""
    site.settings = {"theme": "material"}
    site.plugins = ["blog"]
    site.write("blog/index.md", "# Blog\n")
    site.write("blog/posts/a.md", "---\ndate: 2026-03-01\n---\n\n# A\n")
    site.write("blog/posts/b.md", "---\ndate: 2026-03-02\ndraft: true\n---\n\n# B\n")

    preview = site.build(command="serve").entries()
    assert preview["/blog/2026/03/02/b/"]["published"] is False
    assert preview["/blog/2026/03/02/b/"]["type"] == "post"
