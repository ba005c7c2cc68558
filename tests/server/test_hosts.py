"""Which sites may report, and which may read."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracker_server.hosts import host_and_port, is_allowed


@pytest.mark.parametrize(
    ("url", "host", "with_port"),
    [
        pytest.param("https://a.example", "a.example", "a.example:443", id="https"),
        pytest.param("http://a.example", "a.example", "a.example:80", id="http"),
        pytest.param("http://a.example:8000", "a.example", "a.example:8000", id="port"),
        pytest.param("HTTPS://A.Example/x?y", "a.example", "a.example:443", id="capitals-and-path"),
        pytest.param("https://u:p@a.example/", "a.example", "a.example:443", id="user"),
        pytest.param("http://[::1]:8000/", "[::1]", "[::1]:8000", id="ipv6-and-port"),
        pytest.param("https://[2001:DB8::1]", "[2001:db8::1]", "[2001:db8::1]:443", id="ipv6"),
        pytest.param("http://127.0.0.1:1", "127.0.0.1", "127.0.0.1:1", id="ipv4"),
        pytest.param("//a.example", "a.example", "a.example:80", id="no-scheme"),
        pytest.param("", "", "", id="empty"),
        pytest.param("null", "", "", id="null"),
        pytest.param("a.example", "", "", id="no-url"),
        pytest.param("https://", "", "", id="no-host"),
        pytest.param("https://:8000", "", "", id="port-alone"),
        pytest.param("http://[::1", "", "", id="unclosed-bracket"),
        pytest.param("http://a.example:port", "", "", id="port-is-no-number"),
        pytest.param("http://a.example:65536", "", "", id="port-too-high"),
    ],
)
def test_host_and_port_of_an_origin(url: str, host: str, with_port: str) -> None:
    """The host comes with and without port, and the port of the scheme is written out."""
    assert host_and_port(url) == (host, with_port)


@pytest.mark.parametrize(
    ("url", "allowed", "answer"),
    [
        pytest.param("https://a.example", {"a.example"}, True, id="any-port"),
        pytest.param("http://a.example:8000/x", {"a.example"}, True, id="any-port-and-path"),
        pytest.param("https://a.example", {"a.example:443"}, True, id="default-port"),
        pytest.param("http://a.example", {"a.example:443"}, False, id="port-of-another-scheme"),
        pytest.param("http://a.example:8000", {"a.example:8001"}, False, id="another-port"),
        pytest.param("http://[::1]:8000", {"[::1]"}, True, id="ipv6"),
        pytest.param("http://[::1]:8000", {"[::1]:8000"}, True, id="ipv6-and-port"),
        pytest.param("https://evil.a.example", {"a.example"}, False, id="subdomain"),
        pytest.param("https://a.example.evil", {"a.example"}, False, id="prefix"),
        pytest.param("https://a.example@evil", {"a.example"}, False, id="user"),
        pytest.param("https://evil#a.example", {"a.example"}, False, id="fragment"),
        pytest.param("", {"", "a.example"}, False, id="no-origin-is-never-allowed"),
        pytest.param("null", {"", "null"}, False, id="opaque-origin"),
        pytest.param("https://a.example", set(), False, id="nobody"),
    ],
)
def test_is_allowed_compares_hosts_exactly(url: str, allowed: set[str], *, answer: bool) -> None:
    """Neither a part of a name, nor a user, nor a missing origin passes for a host."""
    assert is_allowed(url, allowed) is answer


@given(st.text(max_size=60))
@example("http://[")
@example("http://a:\u0661")
@example("//\u2100")
def test_any_origin_is_allowed_or_not(url: str) -> None:
    """A header that is no address at all raises nothing and is not allowed."""
    host, with_port = host_and_port(url)

    assert with_port.startswith(host)
    assert not is_allowed(url, {"", "a.example"}) or host == "a.example"
