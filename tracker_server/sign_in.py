"""The door: signing in and out, and share links, which become a cookie."""

import re
import secrets
from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from tracker_server.admission import (
    FORM_COOKIE,
    HOST_PREFIX,
    SESSION_COOKIE,
    SHARE_COOKIE,
    is_local,
    read_cookies,
    share_cookie,
)
from tracker_server.answers import asked_language, viewer
from tracker_server.credentials import ADMIN_SCOPE, SESSION, SESSION_SECONDS, SHARE, Grant
from tracker_server.errors import BusyError
from tracker_server.keyring import Keyring
from tracker_server.passwords import Passwords
from tracker_server.texts import LANGUAGES, Texts

SHARE_SECONDS = 30 * 86_400
"""For how long a browser keeps a link at most; then the link has to be opened again."""
FORM_PURPOSE = "form"
_PAGE = "/stats"
_BACK = re.compile(r"/stats(?:\?[\x21-\x7e]*)?")
"""Where signing in may lead: nowhere outside of the page."""


class Door:
    """The routes and pages by which somebody comes in."""

    def __init__(self, keyring: Keyring, passwords: Passwords, clock: Callable[[], float]) -> None:
        self._keyring = keyring
        self._passwords = passwords
        self._clock = clock

    def routes(self) -> Blueprint:
        """Return ``/sign-in``, ``/sign-out`` and ``/share/<secret>``."""
        door = Blueprint("door", __name__)

        @door.route("/sign-in", methods=["GET", "POST"])
        def sign_in() -> BaseResponse:
            if request.method == "POST":
                return self._sign_in()
            if viewer().kind == SESSION:
                return redirect(_asked_back(), 303)
            return self.show("text", 200)

        @door.post("/sign-out")
        def sign_out() -> BaseResponse:
            self._keyring.change(lambda kept: kept.without(viewer().id))
            response = redirect(_PAGE, 303)
            _forget(response, SESSION_COOKIE)
            return response

        @door.get("/share/<secret>")
        def share(secret: str) -> BaseResponse:
            return self._open_link(secret)

        return door

    def show(self, said: str, status: int) -> BaseResponse:
        """Return the page that asks to sign in, and says why."""
        cookies = read_cookies(_header("cookie"), prefixed=not is_local(_header))
        bound_to = cookies.get(FORM_COOKIE) or secrets.token_urlsafe()
        texts = Texts(asked_language())
        page = render_template(
            "sign_in.html",
            t=texts,
            languages=LANGUAGES,
            said=said,
            form=self._keyring.with_key().mac(FORM_PURPOSE, bound_to),
            back=_asked_back(),
        )
        response = BaseResponse(page, status, mimetype="text/html")
        response.headers["Content-Language"] = texts.language
        response.vary.update(["Accept-Language", "Cookie"])
        _keep(response, FORM_COOKIE, bound_to, None)
        return response

    def _sign_in(self) -> BaseResponse:
        password = request.form.get("password", "")
        kept = self._keyring.read().password
        try:
            fits = self._passwords.fits(kept, password)
        except BusyError as error:
            response = self.show("busy", 503)
            response.headers["Retry-After"] = str(error.retry_seconds)
            return response
        if not fits:
            return self.show("wrong", 401)
        if self._passwords.is_outdated(kept):
            better = self._passwords.hash(password)
            before, kept = kept, better
            self._keyring.change(lambda now: now.rehashed(before, better))
        now = int(self._clock())
        plan = Grant(kind=SESSION, scope=ADMIN_SCOPE, created=now, expires=now + SESSION_SECONDS)
        secret, _ = self._keyring.add(plan, _session_id(), kept)
        response = redirect(_asked_back(), 303)
        _keep(response, SESSION_COOKIE, secret, SESSION_SECONDS)
        _forget(response, FORM_COOKIE)
        return response

    def _open_link(self, secret: str) -> BaseResponse:
        grant = self._keyring.read().find(SHARE, secret, self._clock())
        if grant is None:
            return self.show("gone", 404)
        response = redirect(_PAGE, 303)
        left = SHARE_SECONDS if grant.expires is None else grant.expires - int(self._clock())
        # A link is opened from elsewhere, where browsers send no cookie that is strict.
        value = share_cookie(self._keyring, grant)
        _keep(response, SHARE_COOKIE, value, min(left, SHARE_SECONDS), same_site="Lax")
        return response


def _session_id() -> str:
    """Return the session that the browser has, which ends when another begins."""
    return viewer().id if viewer().kind == SESSION else ""


def _asked_back() -> str:
    """Return where to go on after signing in."""
    if request.path == _PAGE:
        asked = request.full_path.rstrip("?")
    else:
        asked = request.form.get("back") or request.args.get("back", "")
    return asked if _BACK.fullmatch(asked) else _PAGE


def _keep(
    response: BaseResponse, name: str, value: str, seconds: int | None, same_site: str = "Strict"
) -> None:
    """Have a browser keep a cookie, ``None`` seconds for as long as it is open."""
    local = is_local(_header)
    response.set_cookie(
        name if local else HOST_PREFIX + name,
        value,
        max_age=seconds,
        secure=not local,
        httponly=True,
        samesite=same_site,
    )


def _forget(response: BaseResponse, name: str) -> None:
    _keep(response, name, "", 0)


def _header(name: str) -> str:
    return request.headers.get(name, "")
