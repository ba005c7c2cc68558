"""The tag, and where it goes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_stats_plugin.inject import Tracker, insert_head, render_tracker, render_viewer
from tests.plugin.sites import read_tags

TRACKER = Tracker(
    uri="assets/mkdocs-stats/tracker.1a2b3c4d.js",
    url="https://stats.example.org",
)
TAG = render_tracker(TRACKER, "/guide/install/", "../../")
VIEWER = render_viewer("assets/mkdocs-stats/stats.js", "assets/mkdocs-stats/stats.css", "")
PIECES = [
    "<!doctype html>", "<html>", "<HTML lang=en>", "<head>", "<HEAD>", "</head>", "</HEAD >",
    "<title>A</title>", "<body>", "<BODY class=a>", "</body>", "</html>", "<p>text", "\n", " ",
    "&lt;/head&gt;", "<!-- </head> -->", "<script>'</head>'</script>", "mkdocs-stats", "<header>",
    '<meta name="mkdocs-stats" content="/">', "<meta name=mkdocs-stats content=/>", "é", "",
]  # fmt: skip

documents = st.lists(st.sampled_from(PIECES) | st.text(max_size=5)).map("".join)


def test_the_tag_is_that_of_the_wire_format() -> None:
    """A page's tag is the one that docs/wire.md shows."""
    assert TAG == (
        '<meta name="mkdocs-stats" content="/guide/install/">\n'
        '<script async src="../../assets/mkdocs-stats/tracker.1a2b3c4d.js" '
        'data-tracker="https://stats.example.org"></script>\n'
    )


@pytest.mark.parametrize(
    ("settings", "attributes"),
    [
        ({"heartbeat_seconds": 7.5}, {"data-heartbeat": "7.5"}),
        ({"heartbeat_seconds": 30}, {"data-heartbeat": "30"}),
        ({"local": True}, {"data-local": "1"}),
        ({"ignore_dnt": True}, {"data-dnt": None}),
        ({"versioned": True}, {"data-v": "1"}),
        ({"daily": True}, {"data-visitor": "daily"}),
        ({"extras": "./extras.1a2b3c4d.js"}, {"data-extras": "./extras.1a2b3c4d.js"}),
        ({}, {}),
    ],
)
def test_settings_are_attributes_only_where_they_are_made(
    settings: dict[str, Any], attributes: dict[str, str | None]
) -> None:
    """What differs from the default of the script is written, and nothing else."""
    tracker = Tracker(uri="t.js", url="https://t.example", **settings)

    tags = read_tags(render_tracker(tracker, "/", ""))

    always = {"async": None, "src": "t.js", "data-tracker": "https://t.example"}
    assert tags.trackers == [always | attributes]


def test_values_are_escaped() -> None:
    """No letter of a path or an address ends its attribute."""
    tracker = Tracker(uri="t.js", url='https://t.example/"&<a>')

    tags = read_tags(render_tracker(tracker, "/\"'<&>/", ""))

    assert tags.metas == ["/\"'<&>/"]
    assert tags.trackers[0]["data-tracker"] == 'https://t.example/"&<a>'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("<html><head><title>A</title>", "</head><body></body>", id="head"),
        pytest.param("<head><script>'</head>'</script>", "</head><body>", id="head-in-script"),
        pytest.param("<HTML><HEAD>", "</HEAD ><BODY>", id="capitals"),
        pytest.param("<!doctype html><title>A</title>", "<body class=a>b", id="minified"),
        pytest.param("<!doctype html><title>A</title>", "<p>text", id="only-title"),
        pytest.param("<!doctype html><html><head>", "<p>text", id="only-head-start"),
        pytest.param("<!doctype html><html lang=en>", "<p>text", id="only-html"),
        pytest.param(" <!doctype html>", "<p>text", id="only-doctype"),
        pytest.param("", "<p>text", id="fragment"),
        pytest.param("<head><title>A</title>", "</head><p><code>&lt;/head></code>", id="no-body"),
    ],
)
def test_elements_go_to_the_end_of_the_head(before: str, after: str) -> None:
    """The place is before the head's end, else where a browser would still read it as the head."""
    assert insert_head(before + after, TAG) == before + TAG + after


@pytest.mark.parametrize("empty", ["", " \n "])
def test_an_empty_document_stays_empty(empty: str) -> None:
    """MkDocs writes no file for an empty page, and the tag must not change that."""
    assert insert_head(empty, TAG) == empty


def test_text_about_the_tag_is_no_tag() -> None:
    """A page that explains the tag in its body is tagged like any other."""
    body = '<body><pre><meta name="mkdocs-stats" content="x"></pre>'

    assert insert_head(f"<head>mkdocs-stats</head>{body}", TAG).count(TAG) == 1


@given(documents, st.sampled_from([TAG, VIEWER, TAG + VIEWER]))
def test_inserting_twice_is_inserting_once(document: str, elements: str) -> None:
    """A page that has been tagged is left as it is, also when the second tag differs."""
    once = insert_head(document, elements)

    assert insert_head(once, elements) == once
    if TAG in once:
        assert insert_head(once, render_tracker(TRACKER, "/other/", "")) == once


@given(documents)
def test_nothing_but_the_elements_is_added(document: str) -> None:
    """Without what was inserted the document is the one before."""
    once = insert_head(document, TAG)

    assert document in {once, once.replace(TAG, "", 1)}
