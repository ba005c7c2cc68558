"""Holds every route to its policy: who may, from where, how often, and with which headers.

It stands before and behind all views, so that a view cannot forget it.
"""

from collections.abc import Callable
from http import HTTPStatus
from math import ceil

from flask import Flask, Response, g, request
from werkzeug.wrappers import Response as BaseResponse

from tracker_server.admission import FORM_COOKIE, NOBODY, Admission, is_local, read_cookies
from tracker_server.answers import answer_text
from tracker_server.credentials import SESSION
from tracker_server.errors import InvalidMessageError, StorageError, UnguardedRouteError
from tracker_server.hosts import host_and_port
from tracker_server.keyring import Keyring
from tracker_server.limits import SignIns
from tracker_server.networks import Networks
from tracker_server.paths import normalise_path
from tracker_server.policy import (
    ADMIN,
    COLLECT,
    MANIFEST,
    NOWHERE,
    OWN,
    POLICIES,
    READ,
    Policy,
    policy_of,
)

FORM = "form"
"""The field of a form that proves that it is ours, and what for the key is used."""
ShowDoor = Callable[[str, int], BaseResponse]
"""Makes the page that asks to sign in; gets the key of what it says, and the status."""


class Guard:
    """Decides about each request of one application."""

    def __init__(
        self,
        admission: Admission,
        keyring: Keyring,
        networks: Networks,
        sign_ins: SignIns,
        show_door: ShowDoor,
    ) -> None:
        self._admission = admission
        self._keyring = keyring
        self._networks = networks
        self._sign_ins = sign_ins
        self._show_door = show_door

    def stand_before(self, app: Flask) -> None:
        """Look at every request and answer of an application.

        Raises:
            UnguardedRouteError: one of its routes has no policy, or other methods than it says.
        """
        require_policies(app)
        app.before_request(self._check)
        app.after_request(self._add_headers)
        # A view that needs the credentials, and cannot read or write them.
        app.register_error_handler(StorageError, lambda _: answer_text("not now, try again", 503))

    def _check(self) -> BaseResponse | None:
        g.policy = NOWHERE
        if request.url_rule is None:
            return None
        g.policy = policy = policy_of(request.url_rule.rule, request.args)
        if policy.origins == OWN and _is_foreign():
            return answer_text("pages of other sites may not use this", 403)
        try:
            return self._check_viewer(policy)
        except StorageError:
            return answer_text("who may see this cannot be read", 503)

    def _check_viewer(self, policy: Policy) -> BaseResponse | None:
        g.viewer = viewer = self._admission.viewer(_header)
        if viewer.kind == SESSION:
            g.sign_out = self._keyring.read().mac(FORM, viewer.secret)
        if not self._admission.may(policy, viewer):
            return self._refuse(policy)
        g.section = self._admission.section_of(policy, viewer)
        if g.section and not self._is_within(policy, g.section):
            return self._say(policy, "section", HTTPStatus.FORBIDDEN)
        if policy.is_form and request.method not in READ:
            return self._check_form(policy)
        return None

    def _refuse(self, policy: Policy) -> BaseResponse:
        if policy.who == MANIFEST and not self._admission.takes_manifests():
            return answer_text(
                "this tracker takes no manifest: STATS_MANIFEST_TOKEN is not set, and there is no "
                "token for it",
                403,
            )
        if g.viewer != NOBODY:
            return self._say(policy, "refused", HTTPStatus.FORBIDDEN)
        response = self._say(policy, "private", HTTPStatus.UNAUTHORIZED)
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def _say(self, policy: Policy, key: str, status: HTTPStatus) -> BaseResponse:
        """Refuse a request in the form that the route answers in."""
        if policy.content == "page":
            return self._show_door(key, status)
        needed = status == HTTPStatus.UNAUTHORIZED
        return answer_text("a bearer token is needed" if needed else "not for you", status)

    def _check_form(self, policy: Policy) -> BaseResponse | None:
        """Let a form through that a page of ours sent, which both the browser and the form prove.

        A browser says where a form is from; one that does not is not believed. Only then is a try
        counted: a page elsewhere cannot use up the tries of its readers.
        """
        cookies = read_cookies(_header("cookie"), prefixed=not is_local(_header))
        bound_to = g.viewer.secret if policy.who == ADMIN else cookies.get(FORM_COOKIE, "")
        proof = request.form.get(FORM, "")
        if not (_is_own() and self._keyring.read().proves(FORM, bound_to, proof)):
            return self._show_door("form", HTTPStatus.FORBIDDEN)
        if policy.limit == "sign_in":
            network = self._networks.of_sender(
                request.remote_addr or "", _header("x-forwarded-for")
            )
            if seconds := self._sign_ins.wait(network):
                response = self._show_door("often", HTTPStatus.TOO_MANY_REQUESTS)
                response.headers["Retry-After"] = str(ceil(seconds))
                return response
        return None

    def _is_within(self, policy: Policy, section: str) -> bool:
        """Tell whether all pages that a request names are of a section, and that it names one."""
        if policy.within is None:
            return False
        named = [path for name in policy.within for path in request.args.getlist(name)]
        try:
            paths = [normalise_path(path) for path in named]
        except InvalidMessageError:
            return False
        return self._admission.is_within(section, paths) and (bool(named) or policy.index)

    def _add_headers(self, response: Response) -> Response:
        policy: Policy = g.get("policy", NOWHERE)
        for name, value in policy.headers().items():
            response.headers[name] = value
        fresh = response.status_code < HTTPStatus.BAD_REQUEST
        response.headers.setdefault("Cache-Control", policy.cache if fresh else "no-store")
        if self._admission.is_private(policy):
            response.vary.update(["Cookie", "Authorization"])
            if response.headers["Cache-Control"] != "no-store":
                response.headers["Cache-Control"] = "private, no-cache"
        return response


def require_policies(app: Flask) -> None:
    """Compare the routes of an application with the table.

    Raises:
        UnguardedRouteError: they differ.
    """
    for rule in app.url_map.iter_rules():
        policy = POLICIES.get(rule.rule)
        methods = rule.methods or set()
        if policy is None:
            raise UnguardedRouteError(f"{rule.rule}: has no line in tracker_server/policy.py")
        if methods != policy.methods:
            differing = ", ".join(sorted(methods ^ policy.methods))
            raise UnguardedRouteError(f"{rule.rule}: differs from its policy in {differing}")
    gone = POLICIES.keys() - {rule.rule for rule in app.url_map.iter_rules()} - {COLLECT}
    if gone:
        raise UnguardedRouteError(f"{', '.join(sorted(gone))}: has a policy and is no route")


def _header(name: str) -> str:
    return request.headers.get(name, "")


def _is_foreign() -> bool:
    """Tell whether a page of another site asks; following a link from there is a person."""
    said = _header("sec-fetch-site")
    follows_link = (
        request.method in READ
        and _header("sec-fetch-mode") == "navigate"
        and _header("sec-fetch-dest") in {"document", ""}
    )
    if said:
        return said in {"cross-site", "same-site"} and not follows_link
    return bool(_header("origin")) and not _is_origin_own()


def _is_own() -> bool:
    """Tell whether a browser says that a page of ours asks."""
    said = _header("sec-fetch-site")
    return said == "same-origin" if said else _is_origin_own()


def _is_origin_own() -> bool:
    origin = _header("origin")
    scheme = origin.partition("://")[0]
    own = host_and_port(f"{scheme}://{request.host}")[1]
    return bool(own) and host_and_port(origin)[1] == own
