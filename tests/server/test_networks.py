"""Which network somebody is of: past trusted proxies, and whatever a sender writes."""

import pytest

from tracker_server.networks import Networks, is_unnamed_proxy, network_of


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("172.31.0.1", True),
        ("192.168.1.1", True),
        ("::ffff:10.1.2.3", True),
        ("172.32.0.1", False),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("", False),
        ("rubbish", False),
    ],
)
def test_only_an_address_of_ones_own_can_be_a_proxy_that_nobody_named(
    address: str, *, own: bool
) -> None:
    """Who comes from the internet cannot switch the limit off by a header."""
    assert is_unnamed_proxy(address) == own


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2"),
        ("2001:db8:1:2::7", "2001:db8:1::"),
        ("::ffff:192.0.2.7", "192.0.2.0"),
        ("", ""),
        ("rubbish", "rubbish"),
    ],
)
def test_networks(address: str, network: str) -> None:
    """What is no address is limited as it stands."""
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "expected"),
    [
        pytest.param("192.0.2.7", "", (), "192.0.2", id="direct"),
        pytest.param("192.0.2.7", "198.51.100.1", (), "192.0.2", id="forged"),
        pytest.param("192.0.2.7", "198.51.100.1", ("10.0.0.0/8",), "192.0.2", id="forged-too"),
        pytest.param("10.0.0.1", "198.51.100.1", ("10.0.0.0/8",), "198.51.100", id="trusted"),
        pytest.param("10.0.0.1", "1.2.3.4, 198.51.100.1", ("10.0.0.0/8",), "198.51.100", id="last"),
        pytest.param("10.0.0.1", "", ("10.0.0.0/8",), "10.0.0", id="of-the-proxy-itself"),
        pytest.param("10.0.0.1", "198.51.100.1", (), None, id="nobody-named-it"),
        pytest.param("10.0.0.1", "198.51.100.1", ("127.0.0.1",), "10.0.0", id="another-was-named"),
    ],
)
def test_networks_of_senders(
    peer: str, forwarded: str, trusted: tuple[str, ...], expected: str | None
) -> None:
    """What the header says counts as far as trusted proxies say it."""
    assert Networks(trusted).of_sender(peer, forwarded) == expected


@pytest.mark.parametrize(
    ("peer", "expected"), [("10.1.2.3", None), ("192.0.2.7", "192.0.2"), ("", "")]
)
def test_a_trusted_proxy_has_no_share_of_the_connections(peer: str, expected: str | None) -> None:
    """It stands for all its readers; whoever else is connected has the share of its network."""
    assert Networks(("10.0.0.0/8",)).of_peer(peer) == expected
