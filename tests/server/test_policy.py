"""P22: every route has a policy, and every answer of it is as the policy says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.wrappers import Response

from tests.server.conftest import CONTRACT, FakeClock, Site
from tracker_server.app import create_app
from tracker_server.config import Settings
from tracker_server.errors import UnguardedRouteError
from tracker_server.guard import require_policies
from tracker_server.policy import COLLECT, MESSAGE_HEADERS, POLICIES, VARIANTS, Policy, policy_of

ADDRESSES = {
    "/static/<path:filename>": "/static/stats.css",
    "/share/<secret>": "/share/no-such-secret",
    "/api/counters": "/api/counters?path=/",
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
ROUTES = sorted({*POLICIES.keys() - {COLLECT}, "/badge.svg?report=stale"})
"""Each line of the table, and what holds instead with a parameter."""


def policy_at(route: str) -> Policy:
    """Return what the table says of a route, or of one with a parameter."""
    rule, _, parameter = route.partition("?")
    return policy_of(rule, {parameter.partition("=")[0]})


def address_of(rule: str) -> str:
    """Return an address that a route answers."""
    return ADDRESSES.get(rule, rule)


@pytest.fixture(scope="module", params=["public", "counters", "private"])
def tracker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A tracker of each visibility with one view; on SQLite, since no statement is part of this."""
    folder = tmp_path_factory.mktemp("policy")
    settings = Settings(
        database_url=f"sqlite:///{folder}/stats.sqlite3",
        visibility=request.param,
        manifest=str(CONTRACT / "manifest.json"),
        rate_limit=0,
    )
    clock = FakeClock()
    app = create_app(settings, clock)
    site = Site(app, clock, app.test_client(use_cookies=False))
    site.view("/")
    yield site
    site.tracker.close()


def test_every_route_has_a_line_and_every_line_a_route(tracker: Site) -> None:
    """Exactly those, and with exactly these methods; the messages' own is no route of Flask."""
    routes = {rule.rule: frozenset(rule.methods or ()) for rule in tracker.app.url_map.iter_rules()}

    assert {rule: policy.methods for rule, policy in POLICIES.items() if rule != COLLECT} == routes
    assert COLLECT in POLICIES


@pytest.mark.parametrize(
    ("rule", "methods", "said"),
    [
        pytest.param("/secret", ["GET"], "/secret: has no line", id="forgotten"),
        pytest.param("/healthz", ["POST"], "/healthz: differs from its policy in", id="method"),
    ],
)
def test_an_application_with_a_route_without_policy_does_not_start(
    tracker: Site, rule: str, methods: list[str], said: str
) -> None:
    """The same look that `create_app` takes refuses it."""
    app = Flask("another")
    for known in tracker.app.url_map.iter_rules():
        if known.endpoint != "static":
            app.add_url_rule(known.rule, known.endpoint, str, methods=known.methods)
    require_policies(app)
    app.add_url_rule(rule, "forgotten", str, methods=methods)

    with pytest.raises(UnguardedRouteError, match=said):
        require_policies(app)


def test_a_parameter_asks_for_no_other_methods() -> None:
    """Routes are compared with the table by their methods, and each variant is of a route."""
    assert {f"{rule}?{name}=stale" for rule, (name, _) in VARIANTS.items()} < {*ROUTES}
    for rule, (_, variant) in VARIANTS.items():
        assert variant.methods == POLICIES[rule].methods


def test_a_policy_of_no_route_is_found(tracker: Site) -> None:
    """What is in the table only by mistake would promise something."""
    app = Flask("another")

    with pytest.raises(UnguardedRouteError, match="has a policy and is no route"):
        require_policies(app)
    require_policies(tracker.app)


@pytest.mark.parametrize("rule", ROUTES)
def test_other_methods_are_refused(tracker: Site, rule: str) -> None:
    """405 for what the table does not have, and no other status of those it has."""
    for method in METHODS:
        with tracker.client.open(address_of(rule), method=method) as answer:
            refused = answer.status_code == 405
        assert refused is (method not in policy_at(rule).methods), method


def _answers(site: Site, rule: str) -> Iterator[Response]:
    for method in sorted(policy_at(rule).methods):
        with site.client.open(address_of(rule), method=method) as answer:
            yield answer


@pytest.mark.parametrize("rule", ROUTES)
def test_every_answer_has_the_headers_of_its_policy(tracker: Site, rule: str) -> None:
    """Whoever asks, and whether it is refused or not."""
    policy = policy_at(rule)
    for answer in _answers(tracker, rule):
        assert {*answer.headers.items()} >= {*policy.headers().items()}, rule
        assert "Server" not in answer.headers
        assert answer.headers["Cache-Control"]


@pytest.mark.parametrize("rule", ROUTES)
def test_no_answer_may_be_framed_or_run_what_is_not_the_trackers(rule: str) -> None:
    """Said of each content, whatever the table calls it."""
    policy = policy_at(rule).headers()["Content-Security-Policy"]
    parts = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))

    assert parts["default-src"] == "'none'"
    assert "unsafe" not in policy
    assert "sandbox" in parts or parts["frame-ancestors"] == "'none'"
    if policy_at(rule).content == "page":
        assert parts["require-trusted-types-for"] == "'script'"
        assert parts["form-action"] == "'self'"


def test_what_nobody_knows_has_the_headers_too(tracker: Site) -> None:
    """404 and 405 come from no route."""
    for answer in (tracker.client.get("/no"), tracker.client.delete("/stats")):
        assert answer.status_code in {404, 405}
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [("POST", b"{}", 400), ("POST", b"x" * 5_000, 413), ("OPTIONS", b"", 204), ("GET", b"", 405)],
)
def test_messages_have_headers_of_their_own(
    tracker: Site, method: str, body: bytes, status: int
) -> None:
    """Any site may send them, and nothing is said that only documents need."""
    answer = tracker.client.open(COLLECT, method=method, data=body)

    assert answer.status_code == status
    assert {*answer.headers.items()} >= {*MESSAGE_HEADERS}
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://kettle.example", "https://evil.example", "null"])
@pytest.mark.parametrize("rule", ROUTES)
def test_only_what_sites_show_may_be_read_by_their_pages(
    tracker: Site, rule: str, origin: str
) -> None:
    """And never with cookies; the table says of which routes."""
    with tracker.client.get(address_of(rule), headers={"Origin": origin}) as answer:
        allowed = answer.headers.get("Access-Control-Allow-Origin")
        refused = answer.status_code in {401, 403, 405}

    own = policy_at(rule).origins == "own"
    is_site = origin == "https://kettle.example"
    assert (
        allowed == (origin if policy_at(rule).origins == "sites" and is_site else None) or refused
    )
    assert not (own and allowed)
    assert "Access-Control-Allow-Credentials" not in answer.headers


FOREIGN = (
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
)


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("rule", [rule for rule in ROUTES if policy_at(rule).origins == "own"])
def test_pages_of_other_sites_reach_none_of_the_other_routes(
    tracker: Site, rule: str, headers: dict[str, str]
) -> None:
    """Neither as pictures nor as frames nor by scripts."""
    method = (
        "GET" if "GET" in policy_at(rule).methods else min(policy_at(rule).methods - {"OPTIONS"})
    )

    assert tracker.client.open(address_of(rule), method=method, headers=headers).status_code == 403


def test_a_link_from_another_site_leads_to_the_page(tracker: Site) -> None:
    """A person who follows one is no page that asks."""
    headers = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }

    assert tracker.client.get("/stats", headers=headers).status_code in {200, 401}


def test_the_own_page_may_ask(tracker: Site) -> None:
    """As browsers say it, those that say nothing, and behind a proxy that keeps the host."""
    for headers in (
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "none"},
        {},
        {"Origin": "https://stats.example.org", "Host": "stats.example.org"},
    ):
        assert tracker.client.get("/stats", headers=headers).status_code in {200, 401}


def test_limits_name_what_there_is() -> None:
    """Each class of the table, so that a new route thinks of one."""
    assert {policy.limit for policy in POLICIES.values()} == {
        *("messages", "sign_in", "streams", "reports", "threads")
    }
    assert all(isinstance(policy, Policy) for policy in POLICIES.values())
    assert POLICIES["/sign-in"].limit == "sign_in"


def test_the_table_is_in_the_documentation() -> None:
    """Each route, with who may, in the chapter that says who may see what."""
    text = (Path(__file__).parents[2] / "docs" / "tracker.md").read_text()
    chapter = text.split("## Who may see what")[1].split("\n## ")[0]

    assert [rule for rule in POLICIES if f"`{rule}`" not in chapter] == []
