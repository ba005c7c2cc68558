"""The address of a view is all that there is to it."""

import pytest

from tracker_server.address import Address


@pytest.mark.parametrize(
    ("parameters", "changes", "link"),
    [
        pytest.param({}, {}, "/stats", id="nothing"),
        pytest.param({"period": "30d"}, {}, "/stats", id="defaults-are-not-said"),
        pytest.param({}, {"country": "AT"}, "/stats?country=AT", id="filter"),
        pytest.param({}, {"referrer": ""}, "/stats?referrer=", id="filter-for-unknown"),
        pytest.param(
            {"country": "AT", "period": "90d"},
            {"page": "/guide/ü b/"},
            "/stats?period=90d&page=/guide/%C3%BC%20b/&country=AT",
            id="filters-add-up-in-one-order",
        ),
        pytest.param({"country": "AT"}, {"country": None}, "/stats", id="filter-removed"),
        pytest.param(
            {"from": "2026-01-01", "to": "2026-01-02", "grain": "hour"},
            {"period": "7d"},
            "/stats?period=7d",
            id="period-instead-of-days",
        ),
        pytest.param(
            {"period": "7d", "grain": "hour"},
            {"from": "2026-01-01", "to": "2026-01-02"},
            "/stats?from=2026-01-01&to=2026-01-02",
            id="days-instead-of-period",
        ),
        pytest.param(
            {"list": "pages"}, {"page": "/a/"}, "/stats?page=/a/", id="filter-leaves-the-list"
        ),
        pytest.param({"path": "/a/"}, {}, "/stats?page=/a/", id="old-name"),
        pytest.param({"metric": "x", "content": "y", "z": "1"}, {}, "/stats", id="nonsense"),
        pytest.param({"lang": "de"}, {"compare": "1"}, "/stats?compare=1&lang=de", id="rest-stays"),
        pytest.param(
            {}, {"page": '/"><b>&x=1#/'}, "/stats?page=/%22%3E%3Cb%3E%26x%3D1%23/", id="hostile"
        ),
    ],
)
def test_links(parameters: dict[str, str], changes: dict[str, str | None], link: str) -> None:
    """A link says what differs from the default view, and no more."""
    assert Address(parameters).link(**changes) == link


def test_a_question_for_whole_lists_has_their_length() -> None:
    """Those of pages too."""
    assert Address({}).question(whole=True) == {"period": "30d", "compare": "1", "limit": "1000"}


@pytest.mark.parametrize(
    ("parameters", "question"),
    [
        ({}, {"period": "30d", "compare": "1", "pages": "11"}),
        ({"period": "all", "compare": "1"}, {"period": "all", "pages": "11"}),
        ({"from": "2026-01-01"}, {"from": "2026-01-01", "pages": "11"}),
        ({"country": "", "metric": "visitors"}, {"country": "", "period": "30d", "pages": "11"}),
        ({"list": "pages"}, {"period": "30d", "limit": "1000"}),
        ({"content": "posts"}, {"period": "30d", "limit": "1000"}),
        ({"period": "wrong"}, {"period": "wrong", "pages": "11"}),
    ],
)
def test_questions(parameters: dict[str, str], question: dict[str, str]) -> None:
    """The report is asked for what the address names, and judges it."""
    expected = question if question.get("period") == "all" else {"compare": "1", **question}
    assert Address(parameters).question() == expected
