"""The door: who knows the password comes in, by a form of ours only, and out again."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from itertools import permutations
from time import thread_time
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.server.conftest import CONTRACT, FakeClock, MakeSite, Site
from tracker_server.credentials import MAX_SESSIONS, SESSION, SESSION_SECONDS
from tracker_server.errors import BusyError, ConfigurationError
from tracker_server.keyring import Keyring, keyring_file
from tracker_server.keys import Keys
from tracker_server.passwords import MAX_AT_A_TIME, MAX_CHARS, Passwords

pytestmark = pytest.mark.sqlite_only("who may see is not in the database")

PASSWORD = "a horse of eleven batteries"
HOST = "stats.example.org"
OWN = {"Sec-Fetch-Site": "same-origin"}
_FIELD = re.compile(r'name="form" value="([0-9a-f]{64})"')


def keyring_of(site: Site) -> Keyring:
    """Return the keyring as a command has it, in another process."""
    return Keyring(keyring_file(site.tracker.settings))


class Browser:
    """Keeps cookies as browsers do, and says where its forms are from."""

    def __init__(self, site: Site, host: str = HOST, scheme: str = "https") -> None:
        self.client: FlaskClient = site.app.test_client(use_cookies=False)
        self.cookies: dict[str, str] = {}
        self.said: list[str] = []
        """All cookies as they were set."""
        self._base = f"{scheme}://{host}"

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open an address."""
        return self._keep(self.client.get(path, base_url=self._base, headers=self._with(headers)))

    def post(self, path: str, fields: dict[str, str], **headers: str) -> TestResponse:
        """Send a form."""
        own = self._with({**OWN, **headers})
        return self._keep(self.client.post(path, data=fields, base_url=self._base, headers=own))

    def sign_in(self, password: str = PASSWORD, back: str = "") -> TestResponse:
        """Fill in the form."""
        form = form_of(self.get("/sign-in"))
        return self.post("/sign-in", {"form": form, "password": password, "back": back})

    def _with(self, headers: dict[str, str]) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {name: text for name, text in {"Cookie": cookies, **headers}.items() if text}

    def _keep(self, answer: TestResponse) -> TestResponse:
        for said in answer.headers.getlist("Set-Cookie"):
            self.said.append(said)
            for name, morsel in SimpleCookie(said).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        return answer


def form_of(answer: TestResponse) -> str:
    """Return what a form of a page proves itself by."""
    found = _FIELD.search(answer.get_data(as_text=True))
    assert found is not None
    return found[1]


@pytest.fixture
def private(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A tracker that shows nothing, with a password; its hashes cost less than others."""
    for place in ("app", "keys"):
        monkeypatch.setattr(f"tracker_server.{place}.Passwords", lambda: Passwords(1, 64))
    site = make_site(visibility="private", manifest=str(CONTRACT / "manifest.json"))
    site.view("/")
    Keys(keyring_of(site)).set_password(PASSWORD)
    return site


def test_who_knows_the_password_comes_in_and_out_again(private: Site) -> None:
    """The page asks where it is asked for, leads back to it, and forgets on signing out."""
    browser = Browser(private)
    asked = browser.get("/stats?period=7d&page=/")
    answer = browser.post(
        "/sign-in",
        {"form": form_of(asked), "password": PASSWORD, "back": "/stats?period=7d&page=/"},
    )
    page = browser.get(answer.headers["Location"])
    out = browser.post("/sign-out", {"form": form_of(page)})

    assert asked.status_code == 401
    assert 'value="/stats?period=7d&amp;page=/"' in asked.text
    assert (answer.status_code, answer.headers["Location"]) == (303, "/stats?period=7d&page=/")
    assert page.status_code == 200
    assert (out.status_code, out.headers["Location"]) == (303, "/stats")
    assert browser.get("/stats").status_code == 401
    assert keyring_of(private).read().of_kind(SESSION) == ()


def test_a_session_reads_figures_too(private: Site) -> None:
    """What the page asks for goes by the same cookie; caches are told that it does."""
    browser = Browser(private)
    browser.sign_in()
    answers = [browser.get(path) for path in ("/api/stats", "/api/report", "/badge.svg", "/stats")]

    assert [answer.status_code for answer in answers] == [200] * 4
    for answer in answers:
        assert {"Cookie", "Authorization"} <= set(answer.vary)
        assert answer.headers["Cache-Control"] in {"private, no-cache", "no-store"}


def test_cookies_are_of_this_host_over_tls_only(private: Site) -> None:
    """Nobody but the server reads them, no other site sends them, no other host has set them."""
    browser = Browser(private)
    browser.sign_in()
    browser.post("/sign-out", {"form": form_of(browser.get("/stats"))})

    assert len(browser.said) >= 4
    for said in browser.said:
        name, *attributes = said.split("; ")
        assert name.startswith("__Host-stats_")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(attributes)
        assert "Domain" not in said


@pytest.mark.parametrize("host", ["localhost:8001", "127.0.0.1:8001", "[::1]:8001"])
def test_on_this_machine_cookies_need_no_tls(private: Site, host: str) -> None:
    """Some browsers keep no secure cookie of plain HTTP there."""
    browser = Browser(private, host, "http")

    assert browser.sign_in().status_code == 303
    assert browser.get("/stats").status_code == 200
    assert set(browser.cookies) == {"stats_session"}
    assert all("Secure" not in said for said in browser.said)
    assert all("HttpOnly" in said and "SameSite=Strict" in said for said in browser.said)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Host": HOST}, id="other-host"),
        pytest.param({"X-Forwarded-Proto": "https"}, id="behind-a-proxy"),
    ],
)
def test_elsewhere_a_cookie_without_prefix_is_none(private: Site, headers: dict[str, str]) -> None:
    """A neighbour of the host could have set it."""
    browser = Browser(private, "localhost:8001", "http")
    browser.sign_in()

    assert browser.get("/stats").status_code == 200
    assert browser.get("/stats", **headers).status_code == 401


def test_a_session_is_a_new_one_with_each_sign_in(private: Site) -> None:
    """What a browser had before, whoever gave it to it, is worth nothing afterwards."""
    browser = Browser(private)
    browser.cookies["__Host-stats_session"] = "chosen-by-somebody-else"
    browser.sign_in()
    first = browser.cookies["__Host-stats_session"]
    form = form_of(_door(browser))
    browser.post("/sign-in", {"form": form, "password": PASSWORD})
    second = browser.cookies["__Host-stats_session"]
    old = Browser(private)
    old.cookies["__Host-stats_session"] = first

    assert len({"chosen-by-somebody-else", first, second}) == 3
    assert browser.get("/stats").status_code == 200
    assert old.get("/stats").status_code == 401
    assert len(keyring_of(private).read().of_kind(SESSION)) == 1


def _door(browser: Browser) -> TestResponse:
    """Return a page with the form for somebody who has signed in already."""
    return browser.get("/share/no-such-link")


def test_a_session_that_was_copied_ends_with_signing_out(private: Site) -> None:
    """It is kept on the server, so that a replay finds nothing."""
    browser = Browser(private)
    browser.sign_in()
    copied = Browser(private)
    copied.cookies = dict(browser.cookies)
    before = copied.get("/stats").status_code
    browser.post("/sign-out", {"form": form_of(browser.get("/stats"))})

    assert before == 200
    assert copied.get("/stats").status_code == 401


def test_a_session_is_over_after_two_weeks(private: Site, clock: FakeClock) -> None:
    """However often it is used."""
    browser = Browser(private)
    browser.sign_in()
    clock.advance(SESSION_SECONDS - 1)
    last = browser.get("/stats").status_code
    clock.advance(1)

    assert last == 200
    assert browser.get("/stats").status_code == 401


def test_sessions_are_bounded(private: Site, clock: FakeClock) -> None:
    """The one that began first goes."""
    browsers = []
    for _ in range(MAX_SESSIONS + 1):
        clock.advance(60)
        browsers.append(Browser(private))
        assert browsers[-1].sign_in().status_code == 303

    assert browsers[0].get("/stats").status_code == 401
    assert {browser.get("/stats").status_code for browser in browsers[1:]} == {200}


@pytest.mark.parametrize("change", ["another", "none"])
def test_another_password_ends_all_sessions(private: Site, change: str) -> None:
    """At once, though a command in another process did it."""
    browser = Browser(private)
    browser.sign_in()
    keys = Keys(keyring_of(private))
    if change == "another":
        keys.set_password("quite another one")
    else:
        keys.remove_password()

    assert browser.get("/stats").status_code == 401
    assert Browser(private).sign_in().status_code == 401


def test_a_password_that_changes_meanwhile_signs_nobody_in(
    private: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or else the session of who knew the old one would outlive it."""
    real = Passwords.fits

    def slowly(passwords: Passwords, kept: str, password: str) -> bool:
        fits = real(passwords, kept, password)
        Keys(keyring_of(private)).set_password("quite another one")
        return fits

    monkeypatch.setattr(Passwords, "fits", slowly)

    assert Browser(private).sign_in().status_code == 503
    assert keyring_of(private).read().of_kind(SESSION) == ()


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example/stats", "/stats\r\nX: y"])
def test_signing_in_leads_to_the_page_only(private: Site, back: str) -> None:
    """Whatever the form says."""
    assert Browser(private).sign_in(back=back).headers["Location"] == "/stats"


@pytest.mark.parametrize(
    "password", ["", "wrong", PASSWORD + " ", PASSWORD.upper(), "\ud800", "x" * 5_000]
)
def test_another_password_is_401(private: Site, password: str) -> None:
    """Nothing is granted, and what was tried is not said back."""
    browser = Browser(private)
    form = form_of(browser.get("/sign-in"))
    raw = password.encode(errors="surrogatepass")
    answer = browser.client.post(
        "/sign-in",
        data={"form": form, "password": raw},
        base_url=f"https://{HOST}",
        headers=browser._with(dict(OWN)),
    )

    assert answer.status_code == 401
    assert not password or password not in answer.text
    assert "stats_session" not in str(answer.headers)


# Cross-site request forgery.


def _proofs(private: Site) -> tuple[Browser, dict[str, str]]:
    browser = Browser(private)
    form = form_of(browser.get("/sign-in"))
    return browser, {"form": form, "password": PASSWORD}


Break = Callable[[Browser, dict[str, str]], dict[str, str]]


def _no_form(_: Browser, fields: dict[str, str]) -> dict[str, str]:
    del fields["form"]
    return {}


def _anothers_form(browser: Browser, fields: dict[str, str]) -> dict[str, str]:
    del browser
    fields["form"] = "0" * 64
    return {}


def _no_cookie(browser: Browser, _: dict[str, str]) -> dict[str, str]:
    browser.cookies.clear()
    return {}


BREAKS: dict[str, Break] = {
    "no-proof-of-origin": lambda *_: {"Sec-Fetch-Site": ""},
    "cross-site": lambda *_: {"Sec-Fetch-Site": "cross-site"},
    "same-site": lambda *_: {"Sec-Fetch-Site": "same-site"},
    "typed": lambda *_: {"Sec-Fetch-Site": "none"},
    "foreign-origin": lambda *_: {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
    "other-port": lambda *_: {"Sec-Fetch-Site": "", "Origin": f"https://{HOST}:8443"},
    "null-origin": lambda *_: {"Sec-Fetch-Site": "", "Origin": "null"},
    "no-form": _no_form,
    "anothers-form": _anothers_form,
    "no-cookie": _no_cookie,
}


@pytest.mark.parametrize("broken", BREAKS)
def test_signing_in_needs_each_proof(private: Site, broken: str) -> None:
    """Without any one of them it is 403, though the password is right."""
    browser, fields = _proofs(private)
    headers = BREAKS[broken](browser, fields)

    assert browser.post("/sign-in", fields, **headers).status_code == 403
    assert keyring_of(private).read().of_kind(SESSION) == ()


@pytest.mark.parametrize("broken", [name for name in BREAKS if name != "no-cookie"])
def test_signing_out_needs_each_proof(private: Site, broken: str) -> None:
    """No page elsewhere signs anybody out."""
    browser = Browser(private)
    browser.sign_in()
    fields = {"form": form_of(browser.get("/stats"))}
    headers = BREAKS[broken](browser, fields)

    assert browser.post("/sign-out", fields, **headers).status_code == 403
    assert browser.get("/stats").status_code == 200


def test_forms_of_two_browsers_are_not_exchanged(private: Site) -> None:
    """A form is bound to the browser that got it, before signing in and after."""
    browsers = [Browser(private), Browser(private)]
    doors = [form_of(browser.get("/sign-in")) for browser in browsers]
    swapped = browsers[0].post("/sign-in", {"form": doors[1], "password": PASSWORD})
    for browser in browsers:
        browser.sign_in()
    forms = [form_of(browser.get("/stats")) for browser in browsers]

    assert swapped.status_code == 403
    assert browsers[0].post("/sign-out", {"form": forms[1]}).status_code == 403
    assert browsers[0].post("/sign-out", {"form": doors[0]}).status_code == 403


def test_a_browser_that_says_the_origin_only_is_believed(private: Site) -> None:
    """Older ones have no other header."""
    browser, fields = _proofs(private)
    own = {"Sec-Fetch-Site": "", "Origin": f"https://{HOST}"}

    assert browser.post("/sign-in", fields, **own).status_code == 303


# Guessing.


def test_a_network_tries_five_passwords_a_minute(private: Site, clock: FakeClock) -> None:
    """The right one counts too, others are not kept waiting, and a minute later there are more."""

    def attempt(password: str, address: str) -> TestResponse:
        browser = Browser(private)
        form = form_of(browser.get("/sign-in"))
        return browser.client.post(
            "/sign-in",
            data={"form": form, "password": password},
            base_url=f"https://{HOST}",
            headers=browser._with(dict(OWN)),
            environ_base={"REMOTE_ADDR": address},
        )

    first = [attempt("wrong", f"192.0.2.{n}").status_code for n in range(5)]
    sixth = attempt(PASSWORD, "192.0.2.77")
    other = attempt(PASSWORD, "198.51.100.1")
    clock.advance(60)

    assert first == [401] * 5
    assert sixth.status_code == 429
    assert 1 <= int(sixth.headers["Retry-After"]) <= 12
    assert other.status_code == 303
    assert attempt(PASSWORD, "192.0.2.77").status_code == 303


def test_forged_forms_use_up_no_tries(private: Site) -> None:
    """A page elsewhere cannot keep the owner out by sending them from the owner's browser."""
    for _ in range(20):
        browser, fields = _proofs(private)
        assert (
            browser.post("/sign-in", fields, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
        )

    assert Browser(private).sign_in().status_code == 303


def test_without_a_password_nobody_comes_in_and_nobody_learns_it(make_site: MakeSite) -> None:
    """There is no account to begin with; the same page, the same answer."""
    bare, other = make_site(visibility="private"), Browser
    texts = []
    for password in ("", "admin", "password", "nobody has this password"):
        answer = other(bare).sign_in(password)
        texts.append(_FIELD.sub("", answer.text))
        assert answer.status_code == 401

    assert len(set(texts)) == 1
    assert keyring_of(bare).read().of_kind(SESSION) == ()


def test_an_absent_password_takes_as_long_as_a_wrong_one() -> None:
    """The CPU of the cheapest of 60 tries each, in turn, differs by less than a tenth."""
    passwords = Passwords(time_cost=1, memory_kib=8_192)
    kept = passwords.hash(PASSWORD)
    passwords.fits("", "x")  # Makes the hash that nobody has.

    def seconds(hashed: str) -> float:
        begin = thread_time()
        assert not passwords.fits(hashed, "not the password")
        return thread_time() - begin

    times = [(seconds(kept), seconds("")) for _ in range(60)]
    wrong, absent = (min(column) for column in zip(*times, strict=True))

    assert abs(wrong - absent) < 0.1 * wrong, (wrong, absent)


# Hashes.


def test_what_is_kept_is_argon2id_at_the_costs_of_owasp() -> None:
    """19 MiB, two passes, one lane; twice the same password is two hashes."""
    first, second = (Passwords().hash(PASSWORD) for _ in range(2))

    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert Passwords().fits(first, PASSWORD)


@pytest.mark.parametrize("length", [0, 11, MAX_CHARS + 1])
def test_a_password_has_a_length(length: int) -> None:
    """Neither one that is guessed nor one that costs more than others."""
    with pytest.raises(ConfigurationError, match="12 to 1,024 characters"):
        Passwords().hash("x" * length)
    assert not Passwords().fits("", "x" * length)


@pytest.mark.parametrize("password", ["x" * 12, "\u00fc" * MAX_CHARS, "\x00" * 12, "\ud800" * 12])
def test_any_characters_will_do(password: str) -> None:
    """Up to the length that there may be."""
    passwords = Passwords(1, 64)

    assert passwords.fits(passwords.hash(password), password)
    assert not passwords.fits(passwords.hash(password), password[1:])


@pytest.mark.parametrize("kept", ["", "x", "$argon2id$", "$2b$12$" + "x" * 53])
def test_what_is_no_hash_fits_nothing(kept: str) -> None:
    """A file that was edited by hand lets nobody in."""
    assert not Passwords(1, 64).fits(kept, PASSWORD)


def test_a_hash_of_other_costs_is_made_anew_at_sign_in(make_site: MakeSite) -> None:
    """Who signs in need not notice that the costs have risen."""
    private = make_site(visibility="private")
    weak = PasswordHasher(1, 1_024, 1).hash(PASSWORD)
    keyring_of(private).change(lambda now: now.with_password(weak))
    wrong = Browser(private).sign_in("another password")
    still = keyring_of(private).read().password
    right = Browser(private).sign_in()
    kept = keyring_of(private).read().password

    assert (wrong.status_code, still) == (401, weak)
    assert right.status_code == 303
    assert "m=19456,t=2" in kept
    assert Passwords().fits(kept, PASSWORD)


class Slow(PasswordHasher):
    """Takes as long as the test says, and notes how many were in it at a time."""

    def __init__(self) -> None:
        super().__init__(1, 64, 1)
        self.go_on = threading.Event()
        self._inside = threading.Semaphore(0)
        self.now = self.most = 0
        self._lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002
        """Wait for the test."""
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            assert self.go_on.wait(10)
            return super().verify(hash, password)
        finally:
            with self._lock:
                self.now -= 1


@pytest.fixture
def slow() -> Iterator[Slow]:
    """Return a hasher that nobody waits for at the end."""
    hasher = Slow()
    yield hasher
    hasher.go_on.set()


def test_two_are_computed_at_a_time(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others wait a second and are told to come again."""
    monkeypatch.setattr("tracker_server.passwords.PATIENCE_SECONDS", 0.2)
    passwords = Passwords()
    passwords._hasher = slow
    kept = slow.hash(PASSWORD)

    def attempt(_: int) -> bool | str:
        try:
            return passwords.fits(kept, PASSWORD)
        except BusyError:
            slow.go_on.set()  # The first who is sent away ends the wait of the others.
            return "busy"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(8)))

    assert slow.most == MAX_AT_A_TIME
    assert outcomes.count("busy") >= 1
    assert set(outcomes) == {True, "busy"}


def test_who_meets_others_is_told_to_come_again(
    private: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with the time, and no session."""

    def busy(*_: str) -> bool:
        raise BusyError("others are signing in")

    monkeypatch.setattr(Passwords, "fits", busy)
    answer = Browser(private).sign_in()

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


# The page.


@pytest.mark.parametrize(("language", "said"), [("en", "Sign in"), ("de", "Anmelden")])
def test_the_page_is_in_the_readers_language(private: Site, language: str, said: str) -> None:
    """And tells nothing of the site, its pages or figures."""
    answer = Browser(private).get("/stats", **{"Accept-Language": language})

    assert answer.headers["Content-Language"] == language
    assert f"<h2>{said}</h2>" in answer.text
    assert f'<html lang="{language}">' in answer.text
    assert "Kettle" not in answer.text
    assert "<script" not in answer.text
    assert re.findall(r"\b[0-9]+ views", answer.text) == []


def test_signing_in_is_there_where_all_is_public(make_site: MakeSite) -> None:
    """The page is public all the same, and who has signed in sees how to sign out."""
    site = make_site()
    Keys(keyring_of(site)).set_password(PASSWORD)
    browser = Browser(site)
    before = browser.get("/stats")
    browser.sign_in()

    assert before.status_code == 200
    assert "Set-Cookie" not in before.headers
    assert 'action="/sign-out"' not in before.text
    assert 'action="/sign-out"' in browser.get("/stats").text
    assert browser.get("/sign-in").headers["Location"] == "/stats"


def test_a_keyring_that_cannot_be_read_lets_nobody_in(private: Site) -> None:
    """503, not an open door; messages and what is public go on."""
    keyring_file(private.tracker.settings).write_text("{")
    browser = Browser(private)
    browser.cookies["__Host-stats_session"] = "x"

    assert browser.get("/stats").status_code == 503
    assert browser.get("/sign-in").status_code == 503
    assert private.client.get("/api/stats").status_code == 401
    assert private.client.get("/healthz").status_code == 200
    private.view("/b/")


def test_all_orders_of_proofs_are_refused_alike(private: Site) -> None:
    """Two proofs together do not make up for a third."""
    for first, second in permutations(("cross-site", "no-form", "no-cookie"), 2):
        browser, fields = _proofs(private)
        headers = BREAKS[first](browser, fields) | BREAKS[second](browser, fields)
        assert browser.post("/sign-in", fields, **headers).status_code == 403
