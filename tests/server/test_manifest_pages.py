"""What a page may say of itself: taken at its bound, refused beyond it with the place."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker_server.errors import InvalidManifestError
from tracker_server.manifest import parse_manifest
from tracker_server.model import Page

FIRST = {"path": "/", "slug": "", "title": "Home", "type": "home", "published": True}
WHOLE: dict[str, Any] = {
    "path": "/guide/",
    "slug": "guide",
    "title": "Guide",
    "type": "page",
    "published": True,
    "source": "guide/index.md",
    "created": "2024-02-29",
    "updated": "2026-01-02",
    "formerly": ["/manual/", "/doc/manual.html"],
    "authors": ["Ada", "Grace Hopper"],
    "tags": ["setup", "ü"],
    "nav": 2,
    "trail": ["Start", "Start"],
    "previous": "/",
    "next": "/gone/",
    "code_lines": 0,
    "reading_seconds": 61,
    "language": "pt-br",
    "links": ["/", "/files/a#b.pdf"],
    "anchors": ["/#top", "/a/#b/#c", "/guide/#ü"],
    "outbound": 3,
    "digest": "0123456789ab",
}
NUL, SURROGATE = "a\0", "\ud800"
UNWRITABLE = "has characters that no database stores"


def _document(*pages: object, **keys: object) -> bytes:
    head = {"schema": 1, "site_name": "K", "site_url": None}
    return json.dumps({**head, **keys, "pages": pages}).encode()


def _refusal(data: bytes) -> str:
    with pytest.raises(InvalidManifestError) as refusal:
        parse_manifest(data)
    return str(refusal.value)


def test_a_page_comes_with_all_it_says() -> None:
    """Each key has a field of its own."""
    manifest = parse_manifest(_document(FIRST, WHOLE))

    assert manifest.pages == (
        Page("/", "", "Home", "home", published=True),
        Page(
            path="/guide/",
            slug="guide",
            title="Guide",
            type="page",
            published=True,
            source="guide/index.md",
            created="2024-02-29",
            updated="2026-01-02",
            formerly=("/manual/", "/doc/manual.html"),
            authors=("Ada", "Grace Hopper"),
            tags=("setup", "ü"),
            nav=2,
            trail=("Start", "Start"),
            previous="/",
            next="/gone/",
            code_lines=0,
            reading_seconds=61,
            language="pt-br",
            links=("/", "/files/a#b.pdf"),
            anchors=("/#top", "/a/#b/#c", "/guide/#ü"),
            outbound=3,
            digest="0123456789ab",
        ),
    )


@pytest.mark.parametrize("key", sorted(WHOLE.keys() - FIRST.keys()))
def test_whatever_is_new_may_be_absent(key: str) -> None:
    """A key that is missing, and one that is null, mean that nobody knows."""
    known = parse_manifest(_document(WHOLE)).pages[0]
    without = parse_manifest(_document({k: v for k, v in WHOLE.items() if k != key})).pages[0]
    with_null = parse_manifest(_document(WHOLE | {key: None})).pages[0]
    unknown = Page("/guide/", "guide", "Guide", "page", published=True)

    assert getattr(known, key) != getattr(unknown, key)
    assert getattr(without, key) == getattr(with_null, key) == getattr(unknown, key)


def test_what_is_said_twice_counts_once() -> None:
    """But for the sections above a page, which may be called the same."""
    twice = {
        "links": ["/b/", "/", "/b/"],
        "anchors": ["/#b", "/#a", "/#b"],
        "formerly": ["/old/", "/old/"],
        "authors": ["Ada", "Ada"],
        "tags": ["x", "y", "x"],
    }
    [page] = parse_manifest(_document(WHOLE | twice)).pages

    assert (page.links, page.anchors) == (("/b/", "/"), ("/#b", "/#a"))
    assert (page.formerly, page.authors, page.tags) == (("/old/",), ("Ada",), ("x", "y"))
    assert page.trail == ("Start", "Start")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("source", "s" * 1_024, id="source"),
        pytest.param("formerly", [f"/{n}/" for n in range(20)], id="formerly"),
        pytest.param("authors", [f"{n:0100}" for n in range(20)], id="authors"),
        pytest.param("tags", [f"{n:0100}" for n in range(50)], id="tags"),
        pytest.param("tags", [""], id="empty-tag"),
        pytest.param("nav", 1, id="first-in-nav"),
        pytest.param("nav", 10_000_000, id="last-in-nav"),
        pytest.param("trail", ["t" * 1_000] * 10, id="trail"),
        pytest.param("language", "l" * 20, id="language"),
        pytest.param("links", [f"/{n}/" for n in range(500)], id="links"),
        pytest.param("links", ["/" + "l" * 1_023], id="long-link"),
        pytest.param("anchors", [f"/#{n}" for n in range(500)], id="anchors"),
        pytest.param("anchors", ["/" + "p" * 1_023 + "#" + "a" * 200], id="long-anchor"),
        pytest.param("outbound", 10_000_000, id="outbound"),
    ],
)
def test_what_is_at_its_bound_is_taken(key: str, value: object) -> None:
    """The bounds themselves are no reason to refuse."""
    [page] = parse_manifest(_document(WHOLE | {key: value})).pages

    assert getattr(page, key) == (tuple(value) if isinstance(value, list) else value)


def _number_refusals(key: str, least: int) -> list[Any]:
    reason = f".{key}: must be a whole number from {least} to 10,000,000"
    values = [least - 1, 10_000_001, True, False, "1", 1.0, [], {}, 10**30]
    return [pytest.param(key, value, reason, id=f"{key}-{value!r:.12}") for value in values]


def _text_refusals(key: str, most: int) -> list[Any]:
    cases = [
        (1, "must be a text"),
        (True, "must be a text"),
        (["a"], "must be a text"),
        ({}, "must be a text"),
        ("x" * (most + 1), f"is longer than {most:,} characters"),
        (NUL, UNWRITABLE),
        (SURROGATE, UNWRITABLE),
    ]
    return [
        pytest.param(key, value, f".{key}: {reason}", id=f"{key}-{number}")
        for number, (value, reason) in enumerate(cases)
    ]


def _list_refusals(key: str, most: int, right: str) -> list[Any]:
    cases = [
        ("a", ": is not a list"),
        ({}, ": is not a list"),
        (False, ": is not a list"),
        (0, ": is not a list"),
        ("", ": is not a list"),
        ([right.format(n) for n in range(most + 1)], f": has {most + 1} entries, at most {most}"),
        ([right, 7], "[1]: must be a text"),
        ([right, True], "[1]: must be a text"),
        ([right, None], "[1]: must be a text"),
        ([right, []], "[1]: must be a text"),
        ([right, {"a": 1}], "[1]: must be a text"),
        ([right, right + NUL], f"[1]: {UNWRITABLE}"),
        ([right + SURROGATE], f"[0]: {UNWRITABLE}"),
    ]
    return [
        pytest.param(key, value, f".{key}{reason}", id=f"{key}-{number}")
        for number, (value, reason) in enumerate(cases)
    ]


def _paths_refusals(key: str) -> list[Any]:
    cases = [
        ("a/", "must start with /"),
        ("", "must start with /"),
        ("https://a.example/", "must start with /"),
        ("/a/index.html", "'/a/index.html' should be '/a/'"),
        ("/u\u0308/", "'/u\u0308/' should be '/\u00fc/'"),
        ("/a\nb/", "has control characters"),
        ("/" + "\u00fc" * 512, "is longer than 1024 bytes"),
        ("/" + "a" * 1_024, "is longer than 1,024 characters"),
    ]
    return [
        pytest.param(key, ["/", value], f".{key}[1]: {reason}", id=f"{key}-path-{number}")
        for number, (value, reason) in enumerate(cases)
    ]


def _day_refusals(key: str) -> list[Any]:
    values = ["yesterday", "2026-02-30", "20260301", "2026-W09-7", "2026-03-01\n", "", 1, True, []]
    reason = f".{key}: must be YYYY-MM-DD"
    return [pytest.param(key, value, reason, id=f"{key}-{value!r}") for value in values]


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        *_text_refusals("source", 1_024),
        pytest.param(
            "source", "\u00fc" * 513, ".source: is longer than 1024 bytes", id="source-bytes"
        ),
        *_day_refusals("created"),
        *_day_refusals("updated"),
        *_list_refusals("formerly", 20, "/{}/"),
        *_paths_refusals("formerly"),
        *_list_refusals("authors", 20, "{}"),
        pytest.param(
            "authors", ["x" * 101], ".authors[0]: is longer than 100 characters", id="author"
        ),
        *_list_refusals("tags", 50, "{}"),
        pytest.param("tags", ["x" * 101], ".tags[0]: is longer than 100 characters", id="tag"),
        *_number_refusals("nav", 1),
        *_list_refusals("trail", 10, "{}"),
        pytest.param(
            "trail", ["x" * 1_001], ".trail[0]: is longer than 1,000 characters", id="section"
        ),
        *_text_refusals("previous", 1_024),
        pytest.param("previous", "guide/", ".previous: must start with /", id="previous"),
        *_text_refusals("next", 1_024),
        pytest.param("next", "", ".next: must start with /", id="next"),
        *_number_refusals("code_lines", 0),
        *_number_refusals("reading_seconds", 0),
        *_text_refusals("language", 20),
        *_list_refusals("links", 500, "/{}/"),
        *_paths_refusals("links"),
        *_list_refusals("anchors", 500, "/#{}"),
        pytest.param(
            "anchors",
            ["/a/"],
            ".anchors[0]: must have an anchor of 1 to 200 characters",
            id="no-anchor",
        ),
        pytest.param(
            "anchors",
            ["/a/#"],
            ".anchors[0]: must have an anchor of 1 to 200 characters",
            id="empty-anchor",
        ),
        pytest.param("anchors", ["#a"], ".anchors[0]: must start with /", id="no-path"),
        pytest.param(
            "anchors", ["/a/index.html#a"], ".anchors[0]: '/a/index.html' should be '/a/'", id="raw"
        ),
        pytest.param(
            "anchors",
            ["/#" + "a" * 201],
            ".anchors[0]: must have an anchor of 1 to 200 characters",
            id="anchor",
        ),
        pytest.param(
            "anchors",
            ["/" + "a" * 1_225],
            ".anchors[0]: is longer than 1,225 characters",
            id="anchor-and-path",
        ),
        *_number_refusals("outbound", 0),
        *_text_refusals("digest", 1_000),
        *(
            pytest.param("digest", text, ".digest: must be 12 hexadecimal digits", id=f"d-{text!r}")
            for text in ("", "0123456789a", "0123456789abc", "0123456789AB", "0123456789ab\n")
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(key: str, value: object, reason: str) -> None:
    """A manifest with one wrong value is refused as a whole."""
    assert _refusal(_document(FIRST, WHOLE | {key: value})) == f"pages[1]{reason}"


def test_a_link_that_was_found_right_once_is_right_on_every_page() -> None:
    """And one that is wrong is so behind any number of right ones."""
    pages = [WHOLE | {"path": f"/{n}/", "links": ["/same/", f"/{n}/"]} for n in range(3)]

    assert [page.links for page in parse_manifest(_document(*pages)).pages] == [
        ("/same/", "/0/"),
        ("/same/", "/1/"),
        ("/same/", "/2/"),
    ]
    pages[2]["links"] = ["/same/", "/1/", "same/"]
    assert _refusal(_document(*pages)) == "pages[2].links[2]: must start with /"


def test_the_site_has_a_version_and_redirects() -> None:
    """Both are optional; a target is a path, an address, or whatever the site's owner wrote."""
    redirects = {"/old/": "/guide/", "/%/": "https://a.example/", "/x.html": "gone.md"}
    manifest = parse_manifest(_document(FIRST, version="2.1", redirects=redirects))

    assert (manifest.version, dict(manifest.redirects)) == ("2.1", redirects)
    for keys in ({}, {"version": None, "redirects": None}):
        manifest = parse_manifest(_document(FIRST, **keys))
        assert (manifest.version, dict(manifest.redirects)) == (None, {})


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        pytest.param({"version": 2}, "version: must be a text", id="version-number"),
        pytest.param({"version": True}, "version: must be a text", id="version-true"),
        pytest.param(
            {"version": "1" * 101}, "version: is longer than 100 characters", id="version"
        ),
        pytest.param({"version": NUL}, f"version: {UNWRITABLE}", id="version-nul"),
        pytest.param({"redirects": []}, "redirects: is not an object", id="list"),
        pytest.param({"redirects": False}, "redirects: is not an object", id="false"),
        pytest.param(
            {"redirects": {f"/{n}/": "/" for n in range(10_001)}},
            "redirects: has 10,001 entries, at most 10,000",
            id="many",
        ),
        pytest.param(
            {"redirects": {"/a/": "/", "b/": "/"}}, "redirects[1]: must start with /", id="path"
        ),
        pytest.param(
            {"redirects": {"/index.html": "/"}}, "redirects[0]: '/index.html' should be '/'", id="i"
        ),
        pytest.param({"redirects": {f"/{NUL}": "/"}}, f"redirects[0]: {UNWRITABLE}", id="nul"),
        pytest.param({"redirects": {f"/{SURROGATE}": "/"}}, f"redirects[0]: {UNWRITABLE}", id="s"),
        pytest.param(
            {"redirects": {"/a/": None}}, "redirects[0].target: must be a text", id="no-target"
        ),
        pytest.param(
            {"redirects": {"/a/": 1}}, "redirects[0].target: must be a text", id="target-number"
        ),
        pytest.param(
            {"redirects": {"/a/": ""}}, "redirects[0].target: must not be empty", id="target-empty"
        ),
        pytest.param(
            {"redirects": {"/a/": "t" * 2_001}},
            "redirects[0].target: is longer than 2,000 characters",
            id="target-long",
        ),
        pytest.param(
            {"redirects": {"/a/": NUL}}, f"redirects[0].target: {UNWRITABLE}", id="target-nul"
        ),
    ],
)
def test_what_is_wrong_of_the_site_is_refused(keys: dict[str, object], reason: str) -> None:
    """Redirects are named by where they stand, for their paths can be anything."""
    assert _refusal(_document(FIRST, **keys)) == reason


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["/", "/a/", "/#a", "#", "/%", "\ud800", "a\0", "2026-03-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(max_examples=300)
@given(
    st.dictionaries(st.sampled_from(sorted(WHOLE.keys() - FIRST.keys())), _VALUES, max_size=4),
    st.dictionaries(st.sampled_from(["version", "redirects"]), _VALUES, max_size=2),
)
def test_whatever_is_said_is_taken_or_refused(
    of_page: dict[str, object], of_site: dict[str, object]
) -> None:
    """Nothing but `InvalidManifestError` comes out, and what is taken can be stored."""
    try:
        manifest = parse_manifest(_document(FIRST, WHOLE | of_page, **of_site))
    except InvalidManifestError:
        return
    page = manifest.pages[1]
    lists = (page.formerly, page.authors, page.tags, page.trail, page.links, page.anchors)
    texts = [text for some in lists for text in some]
    texts += [*manifest.redirects, *manifest.redirects.values(), manifest.version or ""]
    texts += filter(None, (page.source, page.previous, page.next, page.language, page.digest))
    assert "\0" not in "".join(texts)
    "".join(texts).encode()
