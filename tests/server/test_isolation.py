"""P23: every route, whoever asks, whatever page it is about: 401, 403 or 404, and nothing told.

The matrix is made from the table of routes. What is expected stands here once more and apart from
the code: who has what, and what each of these opens.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response as BaseResponse

from tests.processes import Process
from tests.server.conftest import CONTRACT, NOON, FakeClock, Site, session_id
from tracker_server.admission import Admission, share_cookie
from tracker_server.app import create_app
from tracker_server.config import Settings
from tracker_server.credentials import SESSION, SHARE, TOKEN, Grant
from tracker_server.keyring import Keyring, keyring_file
from tracker_server.keys import Keys
from tracker_server.policy import COLLECT, POLICIES

HOST = "https://stats.example.org"
MANIFEST_TOKEN = "a manifest token of the settings"
METRICS_TOKEN = "a metrics token of the settings"
VISIBILITIES = ("public", "counters", "private")
SECTION = "/guide/"
INSIDE = ("/guide/install/", "/guide/\u00fcber/")
OUTSIDE = ("/", "/blog/", "/blog/2026/first-boil/", "/statistics/", "/guidebook/", "(other)")
TRICKS = (
    *("/guide", "/GUIDE/install/", "guide/install/", "/%67uide", "//guide/install/", "/x/guide/"),
    *("", "/blog/#/guide/", "/blog/?/guide/", "/blog/index.html", "/guid\u0435/install/"),
)
"""Other ways to name a page that is not in the section."""
LEAKS = re.compile(r"first-boil|First boil|leak-|guidebook|[\"'>]/blog|totalPageViews|data-stat=")
"""What is only said of pages outside, and of the site."""
CONTENT = {"/api/content/<report>", "/stats/content", "/stats/content/<report>"}
BADGE_OF_A_REPORT = "/badge.svg?report=stale"
"""No route of its own, and yet for those alone who may see the report."""
FIGURES = {"/stats", "/api/stats", "/api/live", "/api/report", BADGE_OF_A_REPORT, *CONTENT}
COUNTERS = {"/api/counters", "/badge.svg"}
OPEN = {"/", "/healthz", "/readyz", "/static/<path:filename>", "/sign-in"}

RULES = {*POLICIES.keys() - {COLLECT}, BADGE_OF_A_REPORT}

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class World:
    """A tracker with readers inside and outside of the section, and all who may come."""

    site: Site
    visibility: str
    roles: dict[str, Headers]

    def ask(self, role: str, path: str, method: str = "GET") -> TestResponse:
        """Ask as somebody."""
        client = self.site.app.test_client(use_cookies=False)
        return client.open(path, method=method, base_url=HOST, headers=self.roles[role])


@pytest.fixture(scope="module", params=VISIBILITIES)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Return one for each visibility; on SQLite, since no statement is part of this."""
    settings = Settings(
        database_url=f"sqlite:///{tmp_path_factory.mktemp('isolation')}/stats.sqlite3",
        visibility=request.param,
        manifest=str(CONTRACT / "manifest.json"),
        manifest_token=MANIFEST_TOKEN,
        metrics_token=METRICS_TOKEN,
        rate_limit=0,
    )
    clock = FakeClock()
    app = create_app(settings, clock)
    site = Site(app, clock, app.test_client(use_cookies=False))
    _read(site)
    yield World(site, request.param, _roles(Keyring(keyring_file(settings))))
    site.tracker.close()


def _read(site: Site) -> None:
    """Let readers go from inside to outside and back, from sources that tell where they were."""
    for reader, path in enumerate((*INSIDE, *OUTSIDE[:-1])):
        source = "https://inside.example" if path in INSIDE else "https://leak-source.example"
        site.view(path, reader, r=source)
        for step in ("/blog/2026/first-boil/", "/guide/install/"):
            site.view(step, reader)
    site.send("event", "/leak-missing/", n="not_found", l="f" * 32)
    site.clock.advance(2)


def _roles(ring: Keyring) -> dict[str, Headers]:
    """Return what each of those who may come carries."""
    now = int(NOON)

    def make(
        kind: str, scope: str = "stats:read", section: str = "", end: int = 99_999
    ) -> tuple[str, Grant]:
        name = f"{kind} {scope} {section} {end}"
        return ring.add(
            Grant(
                kind=kind, name=name, scope=scope, section=section, created=now, expires=now + end
            )
        )

    def revoked(kind: str) -> tuple[str, Grant]:
        made = make(kind, end=88_888)
        ring.change(lambda kept: kept.without(made[1].id))
        return made

    def bearer(secret: str) -> Headers:
        return {"Authorization": f"Bearer {secret}"}

    def cookie(name: str, value: str) -> Headers:
        return {"Cookie": f"__Host-stats_{name}={value}"}

    link, whole = make(SHARE)
    token, _ = make(TOKEN)
    session, _ = make(SESSION, "admin")
    section = make(SHARE, section=SECTION)[1]
    return {
        "nobody": {},
        "owner": cookie("session", session),
        "reading token": bearer(token),
        "manifest token": bearer(make(TOKEN, "manifest:write")[0]),
        "manifest token of the settings": bearer(MANIFEST_TOKEN),
        "metrics token": bearer(make(TOKEN, "metrics:read")[0]),
        "metrics token of the settings": bearer(METRICS_TOKEN),
        "link": cookie("share", share_cookie(ring, whole)),
        "link of a section": cookie("share", share_cookie(ring, section)),
        "token that is over": bearer(make(TOKEN, end=1)[0]),
        "token that is revoked": bearer(revoked(TOKEN)[0]),
        "session that is over": cookie("session", make(SESSION, "admin", end=1)[0]),
        "session that is revoked": cookie("session", revoked(SESSION)[0]),
        "link that is over": cookie("share", share_cookie(ring, make(SHARE, end=1)[1])),
        "link that is revoked": cookie("share", share_cookie(ring, revoked(SHARE)[1])),
        "forged link": cookie("share", f"{whole.id}.{'0' * 64}"),
        "link of another": cookie(
            "share", share_cookie(ring, section).replace(section.id, whole.id)
        ),
        "link without proof": cookie("share", f"{whole.id}."),
        "link as a token": bearer(link),
        "link as a session": cookie("session", link),
        "session as a token": bearer(session),
        "token as a session": cookie("session", token),
        "cookie without prefix": {"Cookie": f"stats_session={session}"},
        "basic": {"Authorization": f"Basic {token}"},
        "nonsense": {"Authorization": "Bearer \u00fc\u00ff", "Cookie": '";=,\x00\u00ff; stats'},
    }


def _opens(visibility: str, role: str) -> set[str]:
    """Return the routes that are open to somebody."""
    routes = set(OPEN)
    if visibility == "public" or role in {"owner", "reading token", "link"}:
        routes |= FIGURES
    if visibility != "private" or role in {"owner", "reading token", "link"}:
        routes |= COUNTERS
    if role.startswith("metrics token"):
        routes |= {"/metrics"}
    if role.startswith("manifest token"):
        routes |= {"/api/manifest"}
    if role == "owner":
        routes |= {"/sign-out"}
    return routes


def _address(rule: str, path: str | None) -> str:
    address = {"/static/<path:filename>": "/static/stats.css", "/share/<secret>": "/share/x"}
    rule = rule.replace("<report>", "never-read")
    query = "" if path is None else f"page={quote(path)}&path={quote(path)}"
    rule = address.get(rule, rule)
    return f"{rule}{'&' if '?' in rule else '?'}{query}" if query else rule


def _method(rule: str) -> str:
    return {"/api/manifest": "PUT", "/sign-out": "POST"}.get(rule, "GET")


PAGES = (None, INSIDE[0], OUTSIDE[2], TRICKS[3])
"""What is asked about where it should make no difference."""


def _walk(world: World) -> tuple[int, int]:
    """Ask everything as everybody; return how often, and how often it was refused."""
    asked = refused = 0
    for role in world.roles.keys() - {"link of a section"}:
        opens = _opens(world.visibility, role)
        for rule in RULES:
            for path in PAGES:
                with world.ask(role, _address(rule, path), _method(rule)) as answer:
                    asked += 1
                    refused += rule not in opens
                    _judge(answer, (role, rule, path), is_open=rule in opens)
    return asked, refused


def _judge(answer: BaseResponse, said: tuple[str, str, str | None], *, is_open: bool) -> None:
    if not is_open:
        assert answer.status_code in {401, 403, 404}, said
        assert not LEAKS.search(_text(answer)), said
        return
    # What is wrong with a question is said, and a form has no proof here.
    assert answer.status_code not in {401, 404}, said
    assert answer.status_code != 403 or said[1] == "/sign-out", said


def test_every_route_is_open_to_whom_it_is_for_and_to_nobody_else(world: World) -> None:
    """All roles by all routes by pages inside, outside and badly named; refusals tell nothing."""
    asked, refused = _walk(world)

    assert asked == (len(world.roles) - 1) * len(RULES) * len(PAGES)
    assert refused > asked / 10


@pytest.mark.parametrize("what", ["may", "section_of"])
def test_a_guard_that_lets_everybody_in_is_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The same walk over a tracker that forgets to ask sees it."""
    if what == "may":
        monkeypatch.setattr(Admission, "may", lambda *_: True)
        with pytest.raises(AssertionError):
            _walk(world)
    elif world.visibility != "public":
        monkeypatch.setattr(Admission, "section_of", lambda *_: "")
        with pytest.raises(AssertionError):
            test_a_link_of_a_section_opens_its_pages_and_no_others(world)


def _text(answer: BaseResponse) -> str:
    """Return all that an answer says, its headers included, but for the address that was asked."""
    text = answer.get_data(as_text=True) + str(answer.headers)
    return re.sub(r'name="back" value="[^"]*"|back=[^"]*"', "", text)


def test_a_link_of_a_section_opens_its_pages_and_no_others(world: World) -> None:
    """Of pages inside what is about them alone; anything else is refused."""
    role = "link of a section"
    opens = _opens(world.visibility, role)
    rules = ("/stats", "/api/report", *COUNTERS)
    inside = {("/stats", None), *((rule, path) for rule in rules for path in INSIDE)}
    for rule in RULES:
        for path in (None, *INSIDE, *OUTSIDE, *TRICKS):
            with world.ask(role, _address(rule, path), _method(rule)) as answer:
                said = (rule, path, answer.status_code)
                if rule in opens:
                    assert answer.status_code not in {401, 403, 404}, said
                elif (rule, path) in inside:
                    assert answer.status_code == 200, said
                    assert not LEAKS.search(_text(answer)), said
                else:
                    assert answer.status_code in {401, 403, 404}, said
                    assert not LEAKS.search(_text(answer)), said


ASKED = (
    *("period=all", "period=7d&compare=1&grain=day", "from=2026-01-01&to=2026-01-01", "limit=1000"),
    *("list=missing", "list=next", "list=pages", "content=entry", "content=exit", "lang=de"),
    *(
        "referrer=leak-source.example",
        "country=",
        "referrer=",
        "browser=Firefox",
        "metric=visitors",
    ),
)


@pytest.mark.parametrize("rule", ["/stats", "/api/report"])
def test_no_question_leads_out_of_a_section(world: World, rule: str) -> None:
    """Whatever else it asks for, and however often it names a page."""
    inside = quote(INSIDE[0])
    for more in ASKED:
        answer = world.ask("link of a section", f"{rule}?page={inside}&{more}")
        told = LEAKS.search(_text(answer).replace("leak-source.example", ""))
        assert answer.status_code == 200
        assert world.visibility == "public" or told is None, (more, told)
    for query in (
        *(f"page={inside}&page=/blog/", f"page=/blog/&page={inside}", f"path=/blog/&page={inside}"),
        *(f"page=/blog/&path={inside}", f"page={inside}&path=/blog/", "referrer=inside.example"),
    ):
        answer = world.ask("link of a section", f"{rule}?{query}")
        names_none = "page" not in query
        if world.visibility == "public":
            assert answer.status_code == 200
        elif not (rule == "/stats" and names_none):
            assert answer.status_code == 403, query
            assert not LEAKS.search(_text(answer)), query


def test_a_section_has_the_figures_of_its_pages(world: World) -> None:
    """The same as the owner sees of them, but for what leads outside and what is of the site."""
    question = f"/api/report?page={quote(INSIDE[0])}"
    owner = json.loads(world.ask("owner", question).data)
    guest = json.loads(world.ask("link of a section", question).data)
    if world.visibility == "public":
        assert guest == owner
        return

    assert {row["path"] for row in owner["next"]} >= {"/blog/2026/first-boil/"}
    assert (owner["links"], guest["links"]) == (0, None)
    assert guest["next"] is None
    for key in ("views", "visitors", "visits", "series", "referrers", "countries", "reading"):
        assert guest[key] == owner[key], key
    assert guest["views"] == 7
    assert guest["deploys"] == []


def test_the_list_of_a_section_has_its_pages_only(world: World) -> None:
    """All of them, however much others are read; each with a link to its view, and no script."""
    if world.visibility == "public":
        page = world.ask("link of a section", "/stats").get_data(as_text=True)
        assert _paths_of(page) > {*INSIDE}
        return

    for reader in range(100, 103):
        for number in range(12):  # More than a card of the whole site has.
            world.site.view(f"/elsewhere/{number}/", reader)
    world.site.clock.advance(10)
    page = world.ask("link of a section", "/stats").get_data(as_text=True)
    one = world.ask("link of a section", f"/stats?page={INSIDE[0]}&list=next")
    assert _paths_of(page) == {*INSIDE}
    assert "All pages of your link" in one.text
    assert "Read next" not in one.text
    assert "<script" not in page
    assert f'href="/stats?page={INSIDE[0]}"' in page
    assert '<h2 id="section">Pages below /guide/</h2>' in page


def _paths_of(page: str) -> set[str]:
    return set(re.findall(r'data-path="([^"]+)"', page))


def test_the_badge_of_a_report_is_answered_to_whom_the_report_is(world: World) -> None:
    """Status by status and word by word, whoever asks; whatever else the question says."""
    for role in world.roles:
        report = world.ask(role, "/api/content/stale")
        for query in ("report=stale", "report=&report=stale", "report=", "metric=views&report=x"):
            badge = world.ask(role, f"/badge.svg?{query}")
            said = (role, query, badge.status_code)
            if report.status_code == 200:
                assert badge.status_code == (200 if query == "report=stale" else 400), said
            else:
                assert (badge.status_code, badge.text) == (report.status_code, report.text), said
        # Another case is another name, and no way around.
        other = world.ask(role, "/badge.svg?Report=stale")
        assert other.status_code == world.ask(role, "/badge.svg").status_code
        assert "Stale" not in other.text


def test_secrets_are_taken_from_headers_only(world: World) -> None:
    """One in an address or a body, where logs keep it, opens nothing."""
    token = world.roles["reading token"]["Authorization"].removeprefix("Bearer ")
    for name in ("token", "access_token", "authorization", "key"):
        answer = world.ask("nobody", f"/api/stats?{name}={token}")
        assert answer.status_code == (200 if world.visibility == "public" else 401)


def test_answers_for_some_are_kept_by_no_cache_for_others(world: World) -> None:
    """Caches that are shared are told, and those for everybody may be kept as ever."""
    counted = ("/api/counters?path=/", "/badge.svg")
    for path in ("/api/stats", "/api/report", BADGE_OF_A_REPORT, *counted):
        answer = world.ask("owner", path)
        counters = path in counted
        is_open = world.visibility == "public" or (world.visibility == "counters" and counters)
        assert ("private" in answer.headers["Cache-Control"]) is not is_open, path
        assert ({"Cookie", "Authorization"} <= set(answer.vary)) is not is_open, path
        same = world.site.app.test_client(use_cookies=False).get(
            path, base_url=HOST, headers={"If-None-Match": answer.headers["ETag"]}
        )
        assert same.status_code == (304 if is_open else 401)


# Links and streams, over a real server.


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, Keys]]:
    """Start a private tracker."""
    folder = tmp_path_factory.mktemp("server")
    url = f"sqlite:///{folder}/stats.sqlite3"
    process = Process(folder, url, STATS_VISIBILITY="private")
    process.wait_until_it_serves()
    yield process, Keys(Keyring(keyring_file(Settings(database_url=url))))
    process.stop()


Follow = Callable[[Headers], float]


def _seconds_until_it_ends(
    process: Process, headers: Headers, revoke: Callable[[], object]
) -> float:
    """Follow the stream, take back what opened it, and return how long it went on."""
    with closing(process.connect()) as connection:
        connection.request("GET", "/api/live", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.readline() == b"retry: 2000\n"
        revoke()
        begin = monotonic()
        while answer.readline():
            assert monotonic() - begin < 10
        return monotonic() - begin


def test_what_is_revoked_ends_open_streams_within_a_second(server: tuple[Process, Keys]) -> None:
    """Tokens, links and sessions, taken back by another process."""
    process, keys = server
    now = 1_000

    for kind in (TOKEN, SHARE, SESSION):
        plan = Grant(kind=kind, name=kind, scope="stats:read", created=now, expires=None)
        secret, grant = keys.ring.add(plan)
        headers = {
            TOKEN: {"Authorization": f"Bearer {secret}"},
            SHARE: {"Cookie": f"stats_share={share_cookie(keys.ring, grant)}"},
            SESSION: {"Cookie": f"stats_session={secret}"},
        }[kind]

        def revoke(wanted: str = grant.id) -> None:
            keys.ring.change(lambda kept: kept.without(wanted))

        assert _seconds_until_it_ends(process, headers, revoke) < 1.0
        with closing(process.connect()) as connection:
            connection.request("GET", "/api/stats", headers=headers)
            assert connection.getresponse().status == 401


def test_a_link_is_exchanged_for_a_cookie(server: tuple[Process, Keys]) -> None:
    """Which is not the link, and ends with it; the address that has the link is left at once."""
    process, keys = server
    secret = keys.make_link("team", "", "never", NOON)
    with closing(process.connect()) as connection:
        connection.request("GET", f"/share/{secret}")
        answer = connection.getresponse()
        answer.read()
        cookie = answer.headers["Set-Cookie"]
        value = cookie.partition(";")[0]
        connection.request("GET", "/stats", headers={"Cookie": value})
        page = connection.getresponse()
        page.read()
        keys.revoke(SHARE, "team")
        connection.request("GET", "/stats", headers={"Cookie": value})
        after = connection.getresponse()
        after.read()
        connection.request("GET", f"/share/{secret}")
        again = connection.getresponse()
        again.read()

    assert (answer.status, answer.headers["Location"]) == (303, "/stats")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert secret not in cookie
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"} <= set(cookie.split("; "))
    assert (page.status, after.status, again.status) == (200, 401, 404)


def test_nothing_that_lets_somebody_in_is_in_the_log(server: tuple[Process, Keys]) -> None:
    """Neither of those who came in, nor of those who did not."""
    process, keys = server
    secrets = [keys.make_link("a", "", "never", NOON), "wrong" * 9]
    with closing(process.connect()) as connection:
        for secret in secrets:
            for path, headers in (
                (f"/share/{secret}", {}),
                ("/api/stats", {"Authorization": f"Bearer {secret}"}),
                ("/stats", {"Cookie": f"stats_session={secret}"}),
            ):
                connection.request("GET", path, headers=headers)
                connection.getresponse().read()

    assert not [secret for secret in secrets if secret in process.output()]


def test_a_token_with_the_right_to_puts_a_manifest(server: tuple[Process, Keys]) -> None:
    """One that is longer than other bodies may be; without the right it is not even heard."""
    process, keys = server
    manifest = json.loads((CONTRACT / "manifest.json").read_text())
    pages = [{**manifest["pages"][5], "path": f"/p{n}/", "slug": f"p{n}"} for n in range(400)]
    body = json.dumps({**manifest, "pages": pages}).encode()
    assert len(body) > 16_384

    for scope, status in (("manifest:write", 204), ("stats:read", 403)):
        token = keys.make_token(scope[:5], scope, "1h", NOON + 1e9)
        with closing(process.connect()) as connection:
            headers = {"Authorization": f"Bearer {token}"}
            connection.request("PUT", "/api/manifest", body, headers)
            assert connection.getresponse().status == status


def test_counting_needs_no_right(server: tuple[Process, Keys]) -> None:
    """Readers are nobody in particular."""
    process, _ = server
    message = {"t": "view", "s": session_id(1), "p": "/", "l": "1" * 32}
    with closing(process.connect()) as connection:
        connection.request("POST", "/api/collect", json.dumps(message))
        assert connection.getresponse().status == 204


def test_a_restart_ends_no_session(tmp_path: Path) -> None:
    """What is granted is in a file, so that an upgrade signs nobody out."""
    url = f"sqlite:///{tmp_path}/stats.sqlite3"
    ring = Keyring(keyring_file(Settings(database_url=url)))
    plan = Grant(kind=SESSION, scope="admin", created=1, expires=None)
    headers = {"Cookie": f"__Host-stats_session={ring.add(plan)[0]}"}
    for _ in range(2):
        app = create_app(Settings(database_url=url, visibility="private"), FakeClock())
        answer = app.test_client(use_cookies=False).get("/stats", base_url=HOST, headers=headers)
        app.extensions["tracker"].close()
        assert answer.status_code == 200
