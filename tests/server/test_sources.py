"""What hosts of referrers are listed as."""

import json
import socket
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_server.enrich import host_of
from tracker_server.schema import OTHER
from tracker_server.sources import _suffixes, source_of


@pytest.mark.parametrize(
    ("host", "source"),
    [
        pytest.param("kettle.com", "kettle.com", id="owned"),
        pytest.param("out.m.kettle.com", "kettle.com", id="below"),
        pytest.param("news.kettle.co.uk", "kettle.co.uk", id="suffix-of-two-parts"),
        pytest.param("alice.github.io", "alice.github.io", id="private-suffix"),
        pytest.param("docs.alice.github.io", "alice.github.io", id="below-a-private-suffix"),
        pytest.param("github.io", "github.io", id="suffix-alone"),
        pytest.param("www.xn--bcher-kva.de", "xn--bcher-kva.de", id="international"),
        pytest.param("a.xn--55qx5d.cn", "a.xn--55qx5d.cn", id="international-suffix"),
        pytest.param("news.ycombinator.com", "Hacker News", id="name-of-a-host"),
        pytest.param("ycombinator.com", "ycombinator.com", id="not-of-its-owner"),
        pytest.param("old.reddit.com", "Reddit", id="name-of-an-owner"),
        pytest.param("google.com", "Google", id="any-country"),
        pytest.param("images.google.com.au", "Google", id="any-country-and-below"),
        pytest.param("mail.google.com", "Gmail", id="the-nearer-name-wins"),
        pytest.param("google.kettle.com", "kettle.com", id="name-at-another-place"),
        pytest.param("notgoogle.com", "notgoogle.com", id="longer-name"),
        pytest.param("docs-kettle-example.translate.goog", "Google Translate", id="proxy"),
        pytest.param("com.google.android.gm", "Gmail", id="application-with-a-name"),
        pytest.param("com.kettle.app", "com.kettle.app", id="application"),
        pytest.param("wiki.kettle.local", "wiki.kettle.local", id="unknown-suffix"),
        pytest.param("localhost", "localhost", id="one-label"),
        pytest.param("192.0.2.1", "192.0.2.1", id="ipv4"),
        pytest.param("2001:db8::1", "2001:db8::1", id="ipv6"),
        pytest.param("a..com", "a..com", id="empty-label"),
        pytest.param("kettle.com.", "kettle.com", id="dot-at-the-end"),
        pytest.param("", "", id="none"),
        pytest.param(OTHER, OTHER, id="all-others"),
    ],
)
def test_source_of_a_host(host: str, source: str) -> None:
    """The part that somebody owns, or the name of who is well known."""
    assert source_of(host) == source


@given(st.text("ab.-:[]_0", max_size=30).map(lambda text: host_of(f"//{text}.co.uk/")))
def test_every_host_that_is_kept_has_a_source(host: str) -> None:
    """Whatever passes as a host has one, and the source of a source is itself."""
    source = source_of(host)

    assert bool(source) == bool(host)
    assert source_of(source) == source


def test_names_are_said_once() -> None:
    """No host has two names, none is in capitals, and each name is reached by its hosts."""
    text = (files("tracker_server") / "data" / "sources.json").read_text()
    names = json.loads(text, object_pairs_hook=list)
    hosts = [host for _, some in names for host in some]

    assert len({*hosts}) == len(hosts)
    assert len({name for name, _ in names}) == len(names)
    assert all(host == host.lower() for host in hosts)
    assert {source_of(h.replace("*", "com")) for h in hosts} == {name for name, _ in names}


def test_no_request_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of suffixes is read from the package, never from the network."""
    _suffixes.cache_clear()
    source_of.cache_clear()
    monkeypatch.setattr(socket, "socket", None)

    assert source_of("a.kettle.co.uk") == "kettle.co.uk"
