"""Figures out, manifest in: the JSON interface as HTTP."""

import io
import json

import pytest
from werkzeug.test import TestResponse

from tests.server.conftest import CONTRACT, MakeSite, Site
from tracker_server import api as api_module
from tracker_server.wire import write_overview

DATA = (CONTRACT / "manifest.json").read_bytes()
TOKEN = "a token of length"
FIELDS = [
    "activeVisitors",
    "activeByPath",
    "totalPageViews",
    "uniqueVisitors",
    "publishedPosts",
    "publishedPages",
    "trackingSince",
    "pageStats",
    "pageCount",
    "series",
    "minutes",
    "recent",
    "siteUrl",
    "demo",
]


@pytest.fixture
def guarded(make_site: MakeSite) -> Site:
    """Return a tracker that takes manifests from those who have the token."""
    return make_site(manifest_token=TOKEN)


def _put(site: Site, data: bytes, authorization: str | None = f"Bearer {TOKEN}") -> TestResponse:
    headers = {} if authorization is None else {"Authorization": authorization}
    return site.client.put("/api/manifest", data=data, headers=headers)


def test_stats_has_exactly_the_documented_fields(site: Site) -> None:
    """The names, in their order, and nothing besides."""
    answer = site.client.get("/api/stats")

    assert list(answer.get_json()) == FIELDS
    assert list(json.loads((CONTRACT / "stats.json").read_text())) == FIELDS
    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_stats_of_an_unchanged_tracker_is_304(site: Site) -> None:
    """Who has the figures already gets them again only when they change."""
    site.view("/")
    first = site.client.get("/api/stats")
    header = {"If-None-Match": first.headers["ETag"]}
    same = site.client.get("/api/stats", headers=header)
    site.view("/a/")
    site.clock.advance(1)
    other = site.client.get("/api/stats", headers=header)

    assert (first.status_code, same.status_code, other.status_code) == (200, 304, 200)
    assert same.data == b""
    assert same.headers["ETag"] == first.headers["ETag"] != other.headers["ETag"]


def test_stats_of_another_limit_has_another_etag(site: Site) -> None:
    """A tag stands for the very bytes that were sent."""
    site.view("/")
    default = site.client.get("/api/stats").headers["ETag"]
    header = {"If-None-Match": default}

    assert site.client.get("/api/stats?limit=0", headers=header).status_code == 200
    assert site.client.get("/api/stats?limit=50", headers=header).status_code == 304


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        pytest.param("", 50, id="default"),
        pytest.param("?limit=0", 0, id="none"),
        pytest.param("?limit=3", 3, id="three"),
        pytest.param("?limit=60", 60, id="sixty"),
        pytest.param("?limit=1000", 1_000, id="most"),
        pytest.param("?limit=999999999999999999999", 1_000, id="too-many"),
        pytest.param("?limit=-1", 0, id="negative"),
        pytest.param("?limit=many", 50, id="word"),
        pytest.param("?limit=", 50, id="empty"),
        pytest.param("?limit=" + "9" * 5_000, 50, id="5000-digits"),
    ],
)
def test_stats_limit_is_bounded(site: Site, query: str, rows: int) -> None:
    """A limit is 0 to 1,000; what is no number is the default."""
    with site.tracker.engine.begin() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 1299) "
            "INSERT INTO path (id, text) SELECT i, '/' || i FROM n"
        )
        connection.exec_driver_sql(
            "INSERT INTO total_count SELECT 1, id, id FROM path WHERE id >= 100"
        )
    answer = site.client.get("/api/stats" + query).get_json()

    assert len(answer["pageStats"]) == rows
    assert answer["pageCount"] == 1_200
    assert (
        answer["pageStats"][:1]
        == [{"path": "/1299", "title": None, "type": "other", "views": 1_299}][:rows]
    )


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        pytest.param("https://docs.example", True, id="allowed-host"),
        pytest.param("http://docs.example:8000", True, id="allowed-host-on-any-port"),
        pytest.param("https://kettle.example", True, id="site-url"),
        pytest.param("http://kettle.example", False, id="site-url-with-another-scheme"),
        pytest.param("https://kettle.example:8443", False, id="site-url-on-another-port"),
        pytest.param("https://evil.example", False, id="other"),
        pytest.param("https://kettle.example.evil", False, id="prefix"),
        pytest.param("null", False, id="opaque"),
        pytest.param(None, False, id="none"),
    ],
)
def test_stats_is_readable_from_allowed_hosts_and_the_site(
    make_site: MakeSite, origin: str | None, *, allowed: bool
) -> None:
    """Other sites' scripts cannot read the figures."""
    site = make_site(allowed_hosts=("docs.example",), manifest=str(CONTRACT / "manifest.json"))
    headers = {} if origin is None else {"Origin": origin}
    answer = site.client.get("/api/stats", headers=headers)
    unchanged = site.client.get(
        "/api/stats", headers={**headers, "If-None-Match": answer.headers["ETag"]}
    )

    for some in (answer, unchanged):
        assert some.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
        assert "Origin" in some.headers["Vary"]


def test_stats_without_hosts_and_manifest_is_readable_from_nowhere(make_site: MakeSite) -> None:
    """Collecting is open by default, reading by other sites is not."""
    answer = make_site().client.get("/api/stats", headers={"Origin": "https://a.example"})

    assert "Access-Control-Allow-Origin" not in answer.headers


def test_stats_is_at_most_a_second_old(site: Site) -> None:
    """A view shows in the answer of the next second."""
    site.client.get("/api/stats")
    site.view("/")
    at_once = site.client.get("/api/stats").get_json()["totalPageViews"]
    site.clock.advance(1)
    later = site.client.get("/api/stats").get_json()["totalPageViews"]

    assert (at_once, later) == (0, 1)


def test_manifest_with_the_token_is_in_force_at_once(guarded: Site) -> None:
    """204, and the figures are those of the new manifest."""
    answer = _put(guarded, DATA)

    assert (answer.status_code, answer.data) == (204, b"")
    assert guarded.stats()["publishedPages"] == 4
    assert guarded.stats()["siteUrl"] == "https://kettle.example/docs/"


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("Bearer", id="scheme-alone"),
        pytest.param("Bearer ", id="no-token"),
        pytest.param("Bearer wrong token of l.", id="wrong"),
        pytest.param(f"Bearer {TOKEN[:-1]}", id="cut-off"),
        pytest.param(f"Bearer {TOKEN}x", id="longer"),
        pytest.param(f"Bearer {TOKEN.upper()}", id="capitals"),
        pytest.param(f"Basic {TOKEN}", id="other-scheme"),
        pytest.param("Bearer \u00fc\u00ff", id="latin-1"),
    ],
)
def test_manifest_without_the_right_token_is_401(guarded: Site, authorization: str | None) -> None:
    """Nothing is read and nothing changes without it."""
    answer = _put(guarded, DATA, authorization)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN not in answer.get_data(as_text=True)
    assert guarded.stats()["publishedPages"] == 0


@pytest.mark.parametrize("authorization", [None, "", "Bearer ", "Bearer x"])
def test_manifest_is_403_where_the_server_has_no_token(
    make_site: MakeSite, authorization: str | None
) -> None:
    """An empty token opens nothing, and the answer says which setting is missing."""
    site = make_site()
    answer = _put(site, DATA, authorization)

    assert answer.status_code == 403
    assert "STATS_MANIFEST_TOKEN" in answer.get_data(as_text=True)
    assert site.stats()["publishedPages"] == 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "not JSON in UTF-8, perhaps cut off", id="empty"),
        pytest.param(DATA[:-20], "not JSON in UTF-8, perhaps cut off", id="cut-off"),
        pytest.param(DATA.replace(b"1", b"2", 1), "schema: is 2", id="schema"),
        pytest.param(
            DATA.replace(b'"Install"', b"7"), "pages[5].title: must be a text", id="title"
        ),
        pytest.param(
            DATA.replace(b'"/statistics/"', b'"/"'), "pages[7].path: '/' stands there", id="twice"
        ),
    ],
)
def test_manifest_that_is_refused_is_422_and_the_one_before_stays(
    guarded: Site, data: bytes, reason: str
) -> None:
    """The reason is text and names the place; not a single page has changed."""
    _put(guarded, DATA)
    before = guarded.rows("SELECT * FROM page") + guarded.rows("SELECT * FROM totals")
    answer = _put(guarded, data)

    assert answer.status_code == 422
    assert answer.mimetype == "text/plain"
    assert answer.get_data(as_text=True).startswith(f"manifest refused: {reason}")
    assert guarded.rows("SELECT * FROM page") + guarded.rows("SELECT * FROM totals") == before


def test_manifest_that_is_too_large_is_413(guarded: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds for what the length says and for what really comes."""
    monkeypatch.setattr(api_module, "MAX_MANIFEST_BYTES", len(DATA))
    fits = _put(guarded, DATA)
    said = _put(guarded, DATA + b" ")
    came = guarded.client.put(
        "/api/manifest",
        headers={"Authorization": f"Bearer {TOKEN}"},
        input_stream=io.BytesIO(DATA + b" "),
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert [answer.status_code for answer in (fits, said, came)] == [204, 413, 413]
    assert guarded.stats()["publishedPages"] == 4


def test_manifest_that_cannot_be_stored_is_503_and_may_be_sent_again(guarded: Site) -> None:
    """The sender learns that the manifest is not in force."""
    with guarded.tracker.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE page RENAME TO hidden")
    refused = _put(guarded, DATA)
    with guarded.tracker.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE hidden RENAME TO page")
    again = _put(guarded, DATA)

    assert (refused.status_code, again.status_code) == (503, 204)
    assert guarded.stats()["publishedPages"] == 4


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_manifest_is_put_and_nothing_else(guarded: Site, method: str) -> None:
    """The manifest can be neither read nor deleted over HTTP."""
    headers = {"Authorization": f"Bearer {TOKEN}"}

    assert guarded.client.open("/api/manifest", method=method, headers=headers).status_code == 405


def test_as_json_is_what_is_served(site: Site) -> None:
    """The default answer is the snapshot's own bytes."""
    site.view("/")
    served = site.client.get("/api/stats").data

    assert served == write_overview(site.tracker.live.snapshot().overview, 50)
