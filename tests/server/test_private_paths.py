"""Paths that are no pages lose what identifies; what is known of the site stays as it is."""

from typing import Any

import pytest

from tests.server.conftest import NOON, MakeSite, Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import deploy, page
from tracker_server.model import Event, Message, NotFound, Received, View

RESET = "/user/alice@example.com/reset/"
NUMBER = "/notes/20241231"
MISSING = (
    "SELECT path.text, referrer.text, count FROM not_found JOIN path ON path.id = path_id "
    "JOIN referrer ON referrer.id = referrer_id ORDER BY path.text, referrer.text"
)


@pytest.fixture
def bare(make_site: MakeSite) -> Site:
    """Return a tracker without manifest."""
    return make_site()


def _miss(site: Site, path: str, **keys: Any) -> None:
    assert site.send("event", path, n="not_found", **keys).status_code == 204


def _paths(site: Site) -> set[str]:
    return {text for (text,) in site.rows("SELECT text FROM path")} - {"(other)"}


def test_missing_pages_of_many_readers_are_one(site: Site) -> None:
    """With the host that they came from; the address itself is in no row and no answer."""
    _miss(site, RESET, r="https://mail.example/inbox")
    _miss(site, "/user/bob%40corp.example/reset/", r="https://mail.example/inbox")
    _miss(site, "/call/+4917612345678/")

    assert site.rows(MISSING) == [
        ("/call/*/", "", 1),
        ("/user/*/reset/", "mail.example", 2),
    ]
    assert [row[:4] for row in rows(site, "not-found")] == [
        ("/user/*/reset/", None, 2, ["mail.example (2)"]),
        ("/call/*/", None, 1, []),
    ]
    assert not any("@" in path or "4917" in path for path in _paths(site))


def test_no_redirect_is_offered_for_what_was_blotted_out(bare: Site) -> None:
    """However much it is like a page."""
    deploy(bare, page("/user/a/reset/", source="user/a/reset.md"))
    _miss(bare, RESET)
    found = ask(bare, "not-found")

    assert [(row["closest"], row["similarity"] > 0.9) for row in found["rows"]] == [
        ("/user/a/reset/", True)
    ]
    assert found["snippet"] is None


def test_what_is_done_on_a_missing_page_is_about_its_path(site: Site) -> None:
    """A search there has the path as well; a target that is none has no path at all."""
    site.view("/faq/")
    _miss(site, RESET, l="f" * 32)
    site.send("event", RESET, n="search", k="password", c=1, l="f" * 32, u="/faq/")
    site.send("event", "/faq/", n="search", k="password", c=1, u="/card/4111111111111111/")

    assert site.rows(
        "SELECT path.text, target.text FROM event_count JOIN path ON path.id = path_id "
        "JOIN path AS target ON target.id = target_id ORDER BY path.text"
    ) == [("/faq/", "(other)"), ("/user/*/reset/", "/faq/")]
    assert not {RESET, "/card/*/"} & {*_paths(site)}


@pytest.mark.parametrize("path", [f"{NUMBER}/", NUMBER], ids=["as-it-is", "without-its-slash"])
@pytest.mark.parametrize(
    ("known", "redirects"),
    [
        pytest.param(page(f"{NUMBER}/"), {}, id="page"),
        pytest.param(page("/new/", formerly=[f"{NUMBER}/"]), {}, id="former-path"),
        pytest.param(page("/new/"), {f"{NUMBER}/": "https://elsewhere.example/"}, id="redirect"),
    ],
)
def test_what_the_manifest_knows_stays(
    bare: Site, known: dict[str, Any], redirects: dict[str, str], path: str
) -> None:
    """A page, a former path of one, and what the site leads on from, also without its slash."""
    deploy(bare, known, redirects=redirects)
    _miss(bare, path)
    bare.send("event", "/new/", n="search", k="x", c=1, u=path)
    _miss(bare, "/notes/20230101/")

    assert bare.rows(MISSING) == [("/notes/*/", "", 1), (path, "", 1)]
    assert bare.rows("SELECT text FROM path JOIN event_count ON id = target_id") == [(path,)]


def test_what_was_read_as_a_page_stays(bare: Site) -> None:
    """Without a manifest, and after the page has gone from it: its path is no reader's."""
    bare.view(f"{NUMBER}/")
    bare.send("event", f"{NUMBER}/", n="feedback", c=1)
    deploy(bare, page("/new/"))
    _miss(bare, f"{NUMBER}/")

    assert bare.rows(MISSING) == [(f"{NUMBER}/", "", 1)]
    assert _paths(bare) == {f"{NUMBER}/", "/new/"}


def test_a_batch_is_no_different_from_its_messages(bare: Site) -> None:
    """The view of a page and what is done on it may come at once; others are not touched."""
    batch: list[Message] = [
        View(1, 1, f"{NUMBER}/"),
        Event(1, 1, f"{NUMBER}/", "copy", "sh"),
        NotFound(1, 2, RESET),
        NotFound(1, 3, "/gone/"),
    ]
    bare.tracker.store.write([Received(int(NOON), message) for message in batch])

    assert _paths(bare) == {f"{NUMBER}/", "/user/*/reset/", "/gone/"}
    assert batch[2].path == RESET
