"""One form for every path."""

import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tracker_server.errors import InvalidMessageError
from tracker_server.paths import MAX_PATH_BYTES, normalise_path

_RAW = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="/%?#.indexhtml2Ff05eéu\u0308\u1e9b\u0323", max_size=60),
).map(lambda text: "/" + text)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        pytest.param("/", "/", id="root"),
        pytest.param("/guide/install/", "/guide/install/", id="plain"),
        pytest.param("/Guide/", "/Guide/", id="case-is-kept"),
        pytest.param("/guide", "/guide", id="slash-is-not-added"),
        pytest.param("/guide/?a=1#b", "/guide/", id="query-and-fragment"),
        pytest.param("/guide/#a?b", "/guide/", id="fragment-with-question-mark"),
        pytest.param("/a%3Fb%23c/", "/a?b#c/", id="escaped-marks-belong-to-the-path"),
        pytest.param("/a%2525/", "/a%25/", id="decoded-once"),
        pytest.param("/100%/", "/100%/", id="percent-without-digits"),
        pytest.param("/a+b/", "/a+b/", id="plus-is-no-blank"),
        pytest.param("/%C3%BCber/", "/\u00fcber/", id="percent"),
        pytest.param("/u\u0308ber/", "/\u00fcber/", id="nfd"),
        pytest.param("/u%CC%88ber/", "/\u00fcber/", id="nfd-in-percent"),
        pytest.param("/index.html", "/", id="index-of-the-root"),
        pytest.param("/guide/index.html?x", "/guide/", id="index"),
        pytest.param("/guide/index%2Ehtml", "/guide/", id="index-in-percent"),
        pytest.param("/guide/my-index.html", "/guide/my-index.html", id="not-index"),
        pytest.param("/guide/a.html", "/guide/a.html", id="html"),
        pytest.param("/index.html/", "/index.html/", id="folder-called-index"),
        pytest.param("//host/", "//host/", id="two-slashes"),
    ],
)
def test_normalise_path_brings_a_path_into_the_form_of_the_manifest(raw: str, path: str) -> None:
    """Query, fragment, percent escapes, composition and index.html make no other path."""
    assert normalise_path(raw) == path


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param("", "must start with /", id="empty"),
        pytest.param("guide/", "must start with /", id="relative"),
        pytest.param("%2Fguide/", "must start with /", id="escaped-slash"),
        pytest.param("https://x.example/", "must start with /", id="url"),
        pytest.param("/%ff", "has percent escapes that are not UTF-8", id="not-utf-8"),
        pytest.param("/%ed%a0%80", "has percent escapes that are not UTF-8", id="surrogate-bytes"),
        pytest.param("/\ud800", "has control characters", id="surrogate"),
        pytest.param("/%00", "has control characters", id="nul"),
        pytest.param("/%0d%0a", "has control characters", id="line-break"),
        pytest.param("/\x7f", "has control characters", id="delete"),
        pytest.param("/\u0085", "has control characters", id="next-line"),
        pytest.param("/\u2028", "has control characters", id="line-separator"),
        pytest.param("/\u202e", "has control characters", id="right-to-left-override"),
        pytest.param("/\u2066", "has control characters", id="isolate"),
    ],
)
def test_normalise_path_refuses_what_no_address_has(raw: str, reason: str) -> None:
    """The reason says what is wrong and repeats nothing of the path."""
    with pytest.raises(InvalidMessageError) as refusal:
        normalise_path(raw)

    assert (refusal.value.key, refusal.value.reason) == ("p", reason)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("/" + "a" * 1_023, id="ascii"),
        pytest.param("/a" + "\u00fc" * 511, id="two-bytes-each"),
        pytest.param("/a" + "%C3%BC" * 511, id="escaped"),
        pytest.param("/" + "a" * 1_022 + "/index.html", id="index-is-not-counted"),
        pytest.param("/" + "a" * 1_023 + "?" + "q" * 500, id="query-is-not-counted"),
    ],
)
def test_normalise_path_takes_1024_bytes_and_not_one_more(raw: str) -> None:
    """The limit is in bytes, after normalisation."""
    longest = normalise_path(raw)
    with pytest.raises(InvalidMessageError) as refusal:
        normalise_path("/a" + raw[1:])

    assert len(longest.encode()) == MAX_PATH_BYTES
    assert refusal.value.reason == "is longer than 1024 bytes"


@given(_RAW)
@example("/index.html/index.html")
@example("/%2e%2e/")
@example("/\u1e9b\u0323")
@example("/a%2523")
def test_a_normalised_path_is_the_path_of_its_own_address(raw: str) -> None:
    """Escaping a normalised path, as an address does, and normalising again gives it back."""
    path = _normalised(raw)

    assert normalise_path(quote(path)) == path


@given(_RAW)
def test_normalise_path_is_idempotent_where_nothing_is_left_to_decode(raw: str) -> None:
    """Without %, ? and # in it, a normalised path stays as it is."""
    path = _normalised(raw)
    assume(not set(path) & set("%?#"))

    assert normalise_path(path) == path


@given(_RAW)
def test_a_normalised_path_keeps_its_promises(raw: str) -> None:
    """It starts with a slash, is NFC, fits, and is no index.html."""
    path = _normalised(raw)

    assert path.startswith("/")
    assert unicodedata.is_normalized("NFC", path)
    assert len(path.encode()) <= MAX_PATH_BYTES
    assert not path.endswith("/index.html")


@given(_RAW, st.text(alphabet="?#&=ab\x00", max_size=10))
def test_query_and_fragment_never_make_another_path(raw: str, rest: str) -> None:
    """What follows a question mark or a number sign changes nothing."""
    path = _normalised(raw)

    assert normalise_path(raw + "?" + rest) == path
    assert normalise_path(raw + "#" + rest) == path


def _normalised(raw: str) -> str:
    """Normalise, or drop the example where it is refused."""
    try:
        return normalise_path(raw)
    except InvalidMessageError:
        assume(condition=False)
        raise
