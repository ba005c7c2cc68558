"""Which page is meant by a path that is none."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_server.closest import LEAST, ClosestPages, Match

PAGES = [
    ("/", "Kettle"),
    ("/new/install/", "Installing Kettle"),
    ("/guide/deploy/", "Deploy"),
    ("/guide/faq/", "Questions"),
    ("/setup/", "Quickstart"),
    ("/blog/2025/", "2025"),
    ("/v1/api/client/", "Client"),
    ("/v2/api/client/", "Client"),
    ("/guide/getting-started/", "Getting started"),
    ("/guide/über/", "Über"),
    ("/old.html", "Relics"),
    ("/reference/cli/", "Commands"),
    ("/reference/api/", "Python"),
]


def _find(path: str) -> tuple[str, float, bool] | None:
    match = ClosestPages(PAGES, [path]).find(path)
    if match is None:
        return None
    return PAGES[match.page][0], match.similarity, match.is_certain


@pytest.mark.parametrize(
    ("path", "found"),
    [
        # 0.4 * 2 * 8 / (11 + 12) for the whole paths, which have "/" and "/instal" in common,
        # and 0.6 * 2 * 6 / (6 + 7) for their ends, or for the title where that is more like it.
        pytest.param("/old/instal/", ("/new/install/", 0.832, True), id="misspelled-and-moved"),
        pytest.param("/new/inxtall/", ("/new/install/", 0.881, True), id="letter-changed"),
        pytest.param("/new/install", ("/new/install/", 1.0, True), id="without-slash"),
        pytest.param("/new/install.html", ("/new/install/", 1.0, True), id="html"),
        pytest.param("/new/install/index.htm", ("/new/install/", 1.0, True), id="index-file"),
        pytest.param("/new/install/index.html", ("/new/install/", 1.0, True), id="index-html"),
        pytest.param("/new/install.md", ("/new/install/", 1.0, True), id="source"),
        pytest.param("/New/INSTALL/", ("/new/install/", 1.0, True), id="case"),
        pytest.param("/faqs/", ("/guide/faq/", 0.728, True), id="short"),
        pytest.param("/quickstart/", ("/setup/", 0.741, True), id="by-title"),
        pytest.param("/Getting_Started/", ("/guide/getting-started/", 0.937, True), id="joints"),
        pytest.param("/blog/2024/", ("/blog/2025/", 0.81, False), id="another-number"),
        pytest.param("/api/client/", ("/v1/api/client/", 0.952, False), id="two-as-close"),
        pytest.param("/v2/client/", ("/v2/api/client/", 0.933, True), id="parents-decide"),
        pytest.param("/guide/uber/", ("/guide/über/", 0.814, True), id="accent"),
        # 0.4 * 2 * 13 / (13 + 14) and 0.6 * 2 * 2 / (2 + 3): one letter of three is missing.
        pytest.param("/reference/cl/", ("/reference/cli/", 0.865, True), id="short-cut-off"),
        pytest.param("/reference/ci/", ("/reference/cli/", 0.865, True), id="short-letter-missing"),
        pytest.param("/reference/apl/", ("/reference/api/", 0.771, True), id="short-changed"),
        pytest.param("/fqa/", ("/guide/faq/", 0.571, True), id="short-letters-swapped"),
        pytest.param("/cli.md", ("/reference/cli/", 0.778, True), id="short-moved"),
        pytest.param("/xy/", None, id="short-nothing-like-it"),
        pytest.param("/wp-login/", None, id="nothing-like-it"),
        pytest.param("/", None, id="no-name"),
        pytest.param("//", None, id="no-names"),
    ],
)
def test_what_is_meant(path: str, found: tuple[str, float, bool] | None) -> None:
    """The similarity is that of the formula, worked out by hand."""
    assert _find(path) == found


@given(
    st.lists(st.tuples(st.text(max_size=12), st.text("ab /-\n", max_size=12)), max_size=30),
    st.lists(st.text("ab/.-\n é", max_size=12), max_size=5),
)
def test_any_names(pages: list[tuple[str, str]], paths: list[str]) -> None:
    """Nothing that a name may be fails, and a page that is found is one of those given."""
    pages = [(path.replace("\0", ""), title) for path, title in pages]
    closest = ClosestPages(pages, paths)
    for path in paths:
        match = closest.find(path)

        assert match is None or (0 <= match.page < len(pages) and LEAST <= match.similarity <= 1)


def test_a_page_among_very_many() -> None:
    """Each of 200 paths is found among 100,000 pages, in a time that a reader waits for."""
    pages = [(f"/part-{n // 100}/{n:05} chapter/", f"Chapter {n}") for n in range(100_000)]
    paths = [f"/prat-{n // 100}/{n:05}-chapter" for n in range(0, 100_000, 500)]
    begin = time.process_time()
    closest = ClosestPages(pages, paths)
    found = [closest.find(path) for path in paths]
    seconds = time.process_time() - begin

    assert [match and match.page for match in found] == [*range(0, 100_000, 500)]
    assert seconds < 3, "0.3 s are usual"


def test_without_pages_there_is_none() -> None:
    """Nor without a path."""
    assert ClosestPages([], ["/a/"]).find("/a/") is None
    assert ClosestPages(PAGES, []).find("/new/install/") is None
    assert ClosestPages([("/abc/", "")], ["/abc/"]).find("/abc/") == Match(0, 1.0, is_certain=True)
