"""The door in a real browser: what it says of the origin of a form, what cookies it keeps."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.processes import Process
from tests.server.conftest import NOON, session_id
from tracker_server.config import Settings
from tracker_server.keyring import Keyring, keyring_file
from tracker_server.keys import Keys

PASSWORD = "a horse of eleven batteries"
PATHS = ("/guide/a/", "/guide/b/", "/other/")


@pytest.fixture
def private(tmp_path: Path) -> Iterator[tuple[str, Keys]]:
    """A tracker that is not public, with a password and a view of each path."""
    url = f"sqlite:///{tmp_path}/stats.sqlite3"
    keys = Keys(Keyring(keyring_file(Settings(database_url=url))))
    keys.set_password(PASSWORD)
    process = Process(tmp_path, url, STATS_VISIBILITY="private")
    process.wait_until_it_serves()
    with closing(process.connect()) as connection:
        for number, path in enumerate(PATHS):
            message = {"t": "view", "s": session_id(number), "p": path, "l": f"{number:032x}"}
            connection.request("POST", "/api/collect", json.dumps(message))
            connection.getresponse().read()
    yield f"http://localhost:{process.port}", keys
    process.stop()


def test_the_owner_signs_in_looks_and_signs_out(
    private: tuple[str, Keys], open_page: Callable[[str], Page], reader: BrowserContext
) -> None:
    """Though pages tell nobody where a reader was, the browser says that the form is ours."""
    page = open_page(f"{private[0]}/stats?period=7d&lang=en")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("That was not the password.")
    # The field has the focus by itself: to write into it sooner is a complaint of the browser.
    expect(page.get_by_label("Password")).to_be_focused()
    complaints.clear()  # The browser says that it was 401.
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.locator("body")).to_have_attribute("data-state", "live")
    assert page.url == f"{private[0]}/stats?period=7d&lang=en"
    assert [cookie["name"] for cookie in reader.cookies()] == ["stats_session"]
    assert complaints == []

    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("input[type=password]")).to_be_visible()
    assert "stats_session" not in [cookie["name"] for cookie in reader.cookies()]


def test_a_page_elsewhere_signs_nobody_in_or_out(
    private: tuple[str, Keys], open_page: Callable[[str], Page]
) -> None:
    """The same form, sent from another origin of the same machine, is refused."""
    address = private[0]
    page = open_page(f"{address}/stats?lang=en")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    proof = page.locator("input[name=form]").get_attribute("value")
    other = open_page(f"{address.replace('localhost', '127.0.0.1')}/sign-in")
    other.route(
        "**/attack",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f'<form method="post" action="{address}/sign-out">'
            f'<input name="form" value="{proof}"><button>Win</button></form>',
        ),
    )
    other.goto(f"{address.replace('localhost', '127.0.0.1')}/attack")
    with other.expect_response("**/sign-out") as answer:
        other.get_by_role("button", name="Win").click()

    assert answer.value.status == 403
    page.reload()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_link_of_a_section_shows_its_pages(
    private: tuple[str, Keys], open_page: Callable[[str], Page]
) -> None:
    """From a page of another site, too; and it is over as soon as it is revoked."""
    address, keys = private
    secret = keys.make_link("guide", "/guide/", "never", NOON)
    page = open_page(f"{address.replace('localhost', '127.0.0.1')}/sign-in")
    page.evaluate(
        "url => { const a = document.createElement('a'); a.href = url; a.textContent = 'Go';"
        " document.body.append(a); }",
        f"{address}/share/{secret}",
    )
    page.get_by_text("Go", exact=True).click()
    expect(page.locator("a.row")).to_have_text(["/guide/a/", "/guide/b/"])
    assert page.url == f"{address}/stats"
    page.get_by_role("link", name="/guide/a/").click()
    expect(page.locator("h2").first).to_have_text("/guide/a/")
    keys.revoke("share", "guide")
    page.reload()
    expect(page.locator("input[type=password]")).to_be_visible()
