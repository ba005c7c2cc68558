"""A manifest is taken whole or refused with the place that is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.conftest import CONTRACT
from tracker_server.errors import InvalidManifestError
from tracker_server.manifest import (
    MAX_MANIFEST_BYTES,
    MAX_PAGES,
    digest_of,
    parse_manifest,
)
from tracker_server.model import (
    MAX_ANCHOR_CHARS,
    MAX_HEADINGS,
    Heading,
    Manifest,
    Page,
)

DATA = (CONTRACT / "manifest.json").read_bytes()


def _page(**keys: object) -> dict[str, object]:
    page = {"path": "/a/", "slug": "a", "title": "A", "type": "page", "published": True, **keys}
    return {key: value for key, value in page.items() if value is not ...}


def _document(*pages: object, **keys: object) -> dict[str, object]:
    return {"schema": 1, "site_name": "K", "site_url": None, "pages": list(pages), **keys}


def _refusal(data: bytes) -> str:
    with pytest.raises(InvalidManifestError) as refusal:
        parse_manifest(data)
    return str(refusal.value)


def test_parse_manifest_reads_the_manifest_of_the_contract() -> None:
    """Every page comes with its fields; what is absent has its default."""
    manifest = parse_manifest(DATA)

    assert (manifest.site_name, manifest.site_url) == ("Kettle", "https://kettle.example/docs/")
    assert len(manifest.pages) == 8
    assert manifest.pages[2] == Page(
        path="/blog/2026/first-boil/",
        slug="blog/2026/first-boil",
        title='First boil: "fast" & <quiet>',
        type="post",
        published=True,
        date="2026-03-01",
        generated=False,
        words=5,
        headings=(Heading("first-boil-fast-quiet", 'First boil: "fast" & <quiet>', 1, 5),),
        source="blog/posts/a.md",
        created="2026-03-01",
        code_lines=0,
        reading_seconds=1,
        language="en",
        outbound=0,
        digest="1ea59070d438",
    )
    install = manifest.pages[5]
    assert (install.created, install.updated) == ("2026-01-10", "2026-02-14")
    assert (install.nav, install.trail) == (3, ("Guide",))
    assert (install.previous, install.next) == ("/blog/archive/2026/", "/guide/über/")
    assert (install.links, install.formerly) == (("/guide/über/",), ("/install/",))
    assert install.anchors == ("/guide/install/#build", "/guide/über/#uber")
    assert (install.authors, install.tags) == (("Ada Lovelace",), ("setup", "pip"))
    assert [
        (heading.anchor, heading.title, heading.level, heading.words)
        for heading in manifest.pages[5].headings
    ] == [
        ("install", "Install", 1, 3),
        ("with-pip", "With pip", 2, 3),
        ("from-source", "From source", 2, 2),
        ("build", "Build", 3, 5),
    ]
    assert [page.path for page in manifest.pages if page.generated] == ["/blog/archive/2026/"]
    assert [page.path for page in manifest.pages if not page.published] == ["/blog/unfinished/"]


@pytest.mark.parametrize(
    ("document", "pages"),
    [
        pytest.param(_document(), 0, id="no-pages"),
        pytest.param(_document(_page(later=[1]), later={"a": None}), 1, id="unknown-keys"),
        pytest.param(_document(_page(title="")), 1, id="empty-title"),
        pytest.param(_document(_page(date=None)), 1, id="date-null"),
        pytest.param(_document(_page(generated=False)), 1, id="not-generated"),
        pytest.param(_document(_page(path="/a%b#c?d/")), 1, id="marks-in-a-path"),
        pytest.param(_document(_page(path="/" + "a" * 1_023, slug="a" * 1_023)), 1, id="long"),
        pytest.param(_document(_page(title="t" * 1_000)), 1, id="long-title"),
    ],
)
def test_parse_manifest_takes(document: dict[str, object], pages: int) -> None:
    """Unknown keys and values at the limit are no reason to refuse."""
    assert len(parse_manifest(json.dumps(document).encode()).pages) == pages


@pytest.mark.parametrize(
    ("document", "refusal"),
    [
        pytest.param([], "not a JSON object", id="list"),
        pytest.param(None, "not a JSON object", id="null"),
        pytest.param({}, "schema: must be a whole number", id="no-schema"),
        pytest.param(_document(schema=True), "schema: must be a whole number", id="schema-true"),
        pytest.param(_document(schema="1"), "schema: must be a whole number", id="schema-text"),
        pytest.param(
            _document(schema=float("nan")), "schema: must be a whole number", id="schema-nan"
        ),
        pytest.param(
            _document(schema=2),
            "schema: is 2, this tracker reads 1; install the same release of plugin and tracker",
            id="schema-of-the-future",
        ),
        pytest.param(_document(site_name=None), "site_name: must be a text", id="no-name"),
        pytest.param(_document(site_url=7), "site_url: must be a text", id="url-number"),
        pytest.param(
            _document(site_url="u" * 1_001), "site_url: is longer than 1,000 characters", id="url"
        ),
        pytest.param(_document(pages=None), "pages: is not a list", id="no-pages"),
        pytest.param(_document(pages={}), "pages: is not a list", id="pages-object"),
        pytest.param(_document(_page(), 7), "pages[1]: is not an object", id="page-number"),
        pytest.param(_document(_page(path=...)), "pages[0].path: must be a text", id="no-path"),
        pytest.param(_document(_page(path="a/")), "pages[0].path: must start with /", id="path"),
        pytest.param(
            _document(_page(path="/a/index.html")),
            "pages[0].path: '/a/index.html' should be '/a/'",
            id="path-with-index",
        ),
        pytest.param(
            _document(_page(path="/u\u0308/")),
            "pages[0].path: '/u\u0308/' should be '/\u00fc/'",
            id="path-nfd",
        ),
        pytest.param(
            _document(_page(path="/a\nb/")), "pages[0].path: has control characters", id="control"
        ),
        pytest.param(
            _document(_page(path="/" + "\u00fc" * 512)),
            "pages[0].path: is longer than 1024 bytes",
            id="path-of-1025-bytes",
        ),
        pytest.param(
            _document(_page(path="/" + "a" * 1_024)),
            "pages[0].path: is longer than 1,024 characters",
            id="path-of-1025-characters",
        ),
        pytest.param(
            _document(_page(), _page(path="/b/"), _page()),
            "pages[2].path: '/a/' stands there twice",
            id="path-twice",
        ),
        pytest.param(_document(_page(slug=None)), "pages[0].slug: must be a text", id="no-slug"),
        pytest.param(_document(_page(title=1)), "pages[0].title: must be a text", id="title"),
        pytest.param(
            _document(_page(title="t" * 1_001)),
            "pages[0].title: is longer than 1,000 characters",
            id="long-title",
        ),
        pytest.param(
            _document(_page(title="\ud800")),
            "pages[0].title: has characters that no database stores",
            id="title-with-surrogate",
        ),
        pytest.param(
            _document(_page(title="a\x00")),
            "pages[0].title: has characters that no database stores",
            id="title-with-nul",
        ),
        pytest.param(
            _document(_page(type="blog")),
            "pages[0].type: must be one of home, post, page, stats",
            id="type",
        ),
        pytest.param(
            _document(_page(type=["page"])),
            "pages[0].type: must be one of home, post, page, stats",
            id="type-list",
        ),
        pytest.param(
            _document(_page(published=...)),
            "pages[0].published: must be true or false",
            id="no-published",
        ),
        pytest.param(
            _document(_page(published=1)),
            "pages[0].published: must be true or false",
            id="published-number",
        ),
        pytest.param(
            _document(_page(generated=None)),
            "pages[0].generated: must be true or false",
            id="generated-null",
        ),
        pytest.param(
            _document(_page(date="yesterday")), "pages[0].date: must be YYYY-MM-DD", id="date"
        ),
        pytest.param(
            _document(_page(date="2026-02-30")), "pages[0].date: must be YYYY-MM-DD", id="no-day"
        ),
        pytest.param(
            _document(_page(date="20260301")), "pages[0].date: must be YYYY-MM-DD", id="no-dashes"
        ),
        pytest.param(
            _document(_page(date="2026-W09-7")), "pages[0].date: must be YYYY-MM-DD", id="week"
        ),
        pytest.param(
            _document(_page(date=20260301)), "pages[0].date: must be YYYY-MM-DD", id="date-number"
        ),
        pytest.param(
            _document(_page(date=float("nan"))), "pages[0].date: must be YYYY-MM-DD", id="date-nan"
        ),
    ],
)
def test_parse_manifest_refuses_and_names_the_place(document: object, refusal: str) -> None:
    """A refusal says where in the manifest the fault is and what should stand there."""
    assert _refusal(json.dumps(document).encode()) == refusal


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(DATA[: len(DATA) // 2], id="truncated"),
        pytest.param(DATA.rstrip()[:-1], id="last-brace-missing"),
        pytest.param(DATA + b"}", id="one-brace-too-many"),
        pytest.param("é".encode("latin-1"), id="latin-1"),
        pytest.param(b'{"a":"\xff"}', id="not-utf-8"),
        pytest.param(b"[" * 100_000, id="deep-and-open"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deep"),
        pytest.param(b'{"schema":' + b"9" * 5_000 + b"}", id="integer-of-5000-digits"),
    ],
)
def test_parse_manifest_refuses_what_is_no_json(data: bytes) -> None:
    """A file that is cut off or damaged is called that."""
    assert _refusal(data).startswith("not JSON in UTF-8, perhaps cut off: ")


@pytest.mark.parametrize("depth", [10, 100, 500, 900, 950, 970, 990])
def test_parse_manifest_refuses_a_deep_schema_number(depth: int) -> None:
    """However deep the nesting, it is a refusal, and the refusal does not repeat it."""
    refusal = _refusal(b'{"schema":' + b"[" * depth + b"]" * depth + b"}")

    assert refusal.startswith(("schema: must be", "not JSON in UTF-8"))
    assert len(refusal) < 200


def test_parse_manifest_refuses_more_than_32_mebibytes() -> None:
    """The size is looked at before anything else."""
    assert _refusal(b" " * (MAX_MANIFEST_BYTES + 1)) == "larger than 33,554,432 bytes"


def test_parse_manifest_takes_100000_pages_and_not_one_more() -> None:
    """The number of pages is bounded."""
    pages = [_page(path=f"/{number}/", slug="") for number in range(MAX_PAGES)]

    assert len(parse_manifest(json.dumps(_document(*pages)).encode()).pages) == MAX_PAGES
    assert _refusal(json.dumps(_document(*pages, _page())).encode()) == (
        "pages: has 100,001 entries, at most 100,000 are read"
    )


def test_digest_of_tells_manifests_apart() -> None:
    """Equal bytes have equal digests, others another one, and it fits its column."""
    assert digest_of(DATA) == digest_of(bytes(DATA))
    assert digest_of(DATA) != digest_of(DATA + b" ")
    assert len(digest_of(DATA)) == 64


_VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["/", "/a/", "/%", "/index.html", "\ud800", "2026-03-01", "page", "post", 1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def _replace(document: dict[str, Any], change: tuple[int, str, Any]) -> None:
    """Set or take away one key, of the manifest itself or of one of its pages."""
    where, key, value = change
    pages = document.get("pages")
    target = document
    if isinstance(pages, list) and where < len(pages) and isinstance(pages[where], dict):
        target = pages[where]
    target[key] = value
    if value == "absent":
        del target[key]


_CHANGES = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.sampled_from(["schema", "site_name", "site_url", "pages", *_page(date=1, generated=1)]),
        _VALUE | st.just("absent"),
    ),
    max_size=3,
)


@settings(max_examples=300)
@given(_CHANGES)
def test_a_changed_manifest_is_taken_or_refused(changes: list[tuple[int, str, Any]]) -> None:
    """Whatever stands under the known keys, nothing but `InvalidManifestError` comes out."""
    document: dict[str, Any] = json.loads(DATA)
    for change in changes:
        _replace(document, change)

    _parse(json.dumps(document).encode())


@settings(max_examples=200)
@given(st.integers(0, len(DATA)), st.integers(0, len(DATA)), st.binary(max_size=4))
def test_a_damaged_file_is_taken_or_refused(start: int, end: int, filling: bytes) -> None:
    """Bytes lost or overwritten anywhere give a manifest or a refusal."""
    _parse(DATA[:start] + filling + DATA[end:])


def _parse(data: bytes) -> None:
    """Parse; what is accepted must be storable, what is refused must say why in one line."""
    try:
        manifest = parse_manifest(data)
    except InvalidManifestError as refusal:
        reason = str(refusal)
    else:
        assert isinstance(manifest, Manifest)
        assert len({page.path for page in manifest.pages}) == len(manifest.pages)
        for page in manifest.pages:
            (page.path + page.slug + page.title).encode()
            "".join(row.anchor + row.title for row in page.headings).encode()
        return
    assert reason
    assert "\n" not in reason


@pytest.mark.parametrize(
    ("more", "of_page", "reason"),
    [
        ({"commit": 7}, {}, "commit: must be a text"),
        ({"label": "x" * 101}, {}, "label: is longer than 100 characters"),
        ({}, {"words": -1}, "pages[0].words: must be a whole number from 0 to 10,000,000"),
        ({}, {"words": True}, "pages[0].words: must be a whole number from 0 to 10,000,000"),
        ({}, {"words": "many"}, "pages[0].words: must be a whole number from 0 to 10,000,000"),
    ],
)
def test_what_may_be_left_out_must_be_right_where_it_is(
    more: dict[str, object], of_page: dict[str, object], reason: str
) -> None:
    """Commit, label and words are optional, not anything."""
    page = {"path": "/", "slug": "", "title": "", "type": "home", "published": True}
    document = {"schema": 1, "site_name": "", "site_url": None, **more, "pages": [page | of_page]}
    with pytest.raises(InvalidManifestError) as error:
        parse_manifest(json.dumps(document).encode())

    assert str(error.value) == reason


HEADING = {"id": "a", "title": "A", "level": 2, "words": 7}


@pytest.mark.parametrize(
    ("headings", "reason"),
    [
        pytest.param({}, ": is not a list", id="no-list"),
        pytest.param(
            [{**HEADING, "id": str(n)} for n in range(MAX_HEADINGS + 1)],
            ": has 501 entries, at most 500",
            id="too-many",
        ),
        pytest.param([[]], "[0]: is not an object", id="no-object"),
        pytest.param([HEADING, HEADING], "[1].id: stands there twice", id="twice"),
        pytest.param([HEADING | {"id": ""}], "[0].id: must not be empty", id="empty-id"),
        pytest.param([HEADING | {"id": 1}], "[0].id: must be a text", id="id-no-text"),
        pytest.param(
            [HEADING | {"id": "a" * (MAX_ANCHOR_CHARS + 1)}],
            "[0].id: is longer than 200 characters",
            id="long-id",
        ),
        pytest.param(
            [HEADING | {"id": "\0"}], "[0].id: has characters that no database stores", id="nul"
        ),
        pytest.param(
            [HEADING | {"title": "x" * 1_001}],
            "[0].title: is longer than 1,000 characters",
            id="long-title",
        ),
        pytest.param([HEADING | {"title": None}], "[0].title: must be a text", id="no-title"),
        pytest.param(
            [HEADING | {"level": 5}], "[0].level: must be a whole number from 1 to 4", id="level"
        ),
        pytest.param(
            [HEADING | {"level": True}],
            "[0].level: must be a whole number from 1 to 4",
            id="level-no-number",
        ),
        pytest.param(
            [HEADING | {"words": None}],
            "[0].words: must be a whole number from 0 to 10,000,000",
            id="no-words",
        ),
    ],
)
def test_a_heading_that_is_none_refuses_the_manifest(headings: object, reason: str) -> None:
    """The place and the reason are said."""
    data = json.dumps(_document(_page(headings=headings))).encode()

    assert _refusal(data) == f"pages[0].headings{reason}"


@pytest.mark.parametrize("headings", [..., None, [], [HEADING]])
def test_headings_are_optional(headings: object) -> None:
    """A manifest of an older plugin has none; unknown keys of one do no harm."""
    data = json.dumps(_document(_page(headings=headings))).encode()
    [page] = parse_manifest(data).pages

    assert page.headings == ((Heading("a", "A", 2, 7),) if headings == [HEADING] else ())
