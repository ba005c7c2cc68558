"""What is kept of referrer, time zone, language and width."""

import json
import re
from datetime import date
from importlib.resources import files
from pathlib import Path
from runpy import run_path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_server import enrich
from tracker_server.enrich import (
    MAX_CAMPAIGN_CHARS,
    blot_path,
    browser_of,
    campaign_of,
    country_of,
    device_of,
    host_of,
    label_of,
    language_of,
    version_of,
)

DATA = files("tracker_server") / "data"


@pytest.mark.parametrize(
    ("url", "own_host", "host"),
    [
        pytest.param("https://search.example/?q=kettle", "", "search.example", id="host"),
        pytest.param("https://WWW.Search.Example/", "", "search.example", id="www-and-case"),
        pytest.param("https://www.example/", "", "example", id="www-alone"),
        pytest.param("https://u:p@search.example:8443/", "", "search.example", id="port-and-user"),
        pytest.param("android-app://com.example.mail/", "", "com.example.mail", id="app"),
        pytest.param("//search.example/x", "", "search.example", id="no-scheme"),
        pytest.param("https://b\u00fccher.example/", "", "xn--bcher-kva.example", id="idna"),
        pytest.param("https://xn--bcher-kva.example/", "", "xn--bcher-kva.example", id="punycode"),
        pytest.param("http://[::1]/", "", "::1", id="ipv6"),
        pytest.param("http://127.0.0.1:8000/", "", "127.0.0.1", id="ipv4"),
        pytest.param("https://kettle.example/a", "kettle.example", "", id="own"),
        pytest.param("https://Kettle.Example/a", "kettle.example", "", id="own-in-capitals"),
        pytest.param("http://[::1]:8000/a", "[::1]", "", id="own-ipv6"),
        pytest.param("https://a.kettle.example/", "kettle.example", "a.kettle.example", id="sub"),
        pytest.param("", "", "", id="empty"),
        pytest.param("search.example", "", "", id="no-url"),
        pytest.param("/guide/", "", "", id="path"),
        pytest.param("http://[::1", "", "", id="unclosed-bracket"),
        pytest.param("http://[x]/", "", "", id="bracket-without-address"),
        pytest.param("http://\u2100.example/", "", "", id="character-that-becomes-a-slash"),
        pytest.param("http://" + "\u00fc" * 64 + ".example/", "", "", id="label-too-long"),
        pytest.param("http://a b.example/", "", "", id="blank"),
        pytest.param('http://"><script>.example/', "", "", id="markup"),
        pytest.param("https://" + "a" * 101, "", "", id="101-characters"),
        pytest.param("https://" + "a" * 100, "", "a" * 100, id="100-characters"),
        pytest.param("about:blank", "", "", id="about"),
        pytest.param(None, "", "", id="null"),
        pytest.param(7, "", "", id="number"),
        pytest.param(["https://a.example"], "", "", id="list"),
    ],
)
def test_host_of_keeps_the_host_alone(url: object, own_host: str, host: str) -> None:
    """Of a referrer only the host is kept, in one spelling, and none of the site's own."""
    assert host_of(url, own_host) == host


@pytest.mark.parametrize(
    ("query", "campaign"),
    [
        pytest.param("utm_source=a&utm_medium=b&utm_campaign=c", "a/b/c", id="all"),
        pytest.param("?utm_source=a", "a//", id="source-alone"),
        pytest.param("?utm_campaign=Spring", "//Spring", id="name-alone"),
        pytest.param("utm_source=A&utm_medium=B&utm_campaign=C", "a/b/C", id="case"),
        pytest.param("x=1&utm_source=a&utm_content=c&utm_term=d", "a//", id="others-dropped"),
        pytest.param("utm_source=a&utm_source=b", "a//", id="first-counts"),
        pytest.param("utm_source=&utm_source=b", "b//", id="empty-is-none"),
        pytest.param("utm_campaign=spring+sale%21", "//spring sale!", id="escapes"),
        pytest.param("utm_source=a%2Fb&utm_campaign=50%25", "a%2Fb//50%25", id="separators"),
        pytest.param("utm_source=%C3%9Cber", "\u00fcber//", id="utf-8"),
        pytest.param("utm_source=a%FFb", "ab//", id="no-utf-8"),
        pytest.param("utm_source=a%0D%0Ab%E2%80%AEc", "a b c//", id="unprintable"),
        pytest.param("utm_campaign=for+me@home.example", "//for ***", id="mail-address"),
        pytest.param("utm_source=" + "a" * 65, "a" * 64 + "//", id="65-characters"),
        pytest.param("x=" + "y" * 497 + "&utm_source=ab", "a//", id="513-characters"),
        pytest.param("utm_source=%20&utm_medium=", "", id="nothing-said"),
        pytest.param("UTM_SOURCE=a", "", id="another-name"),
        pytest.param("", "", id="empty"),
        pytest.param("page=2", "", id="none"),
        pytest.param("utm_source", "", id="without-a-value"),
        pytest.param(None, "", id="null"),
        pytest.param(7, "", id="number"),
        pytest.param(["utm_source=a"], "", id="list"),
    ],
)
def test_campaign_of_keeps_three_parameters(query: object, campaign: str) -> None:
    """Source, medium and name, in one spelling; nothing else of a query."""
    assert campaign_of(query) == campaign


@given(st.text(max_size=200).flatmap(lambda text: st.sampled_from([text, quote(text)])))
def test_any_campaign_has_three_short_parts(text: str) -> None:
    """Whatever is sent, it is one line within its bounds, and no entry that stands for others."""
    campaign = campaign_of(f"utm_source={text}&utm_medium={text}&utm_campaign={text}")

    assert len(campaign) <= MAX_CAMPAIGN_CHARS
    assert campaign.isprintable()
    assert campaign == "" or len(campaign.split("/")) == 3
    assert all(len(unquote(part)) <= 64 for part in campaign.split("/"))


@pytest.mark.parametrize(
    ("zone", "country"),
    [
        pytest.param("Europe/Berlin", "DE", id="zone"),
        pytest.param("Asia/Kolkata", "IN", id="new-name"),
        pytest.param("Asia/Calcutta", "IN", id="old-name"),
        pytest.param("America/Buenos_Aires", "AR", id="old-name-of-a-folder"),
        pytest.param("Europe/Kiev", "UA", id="renamed"),
        pytest.param("US/Pacific", "US", id="link"),
        pytest.param("UTC", "", id="no-country"),
        pytest.param("Etc/GMT+5", "", id="offset"),
        pytest.param("europe/berlin", "", id="case-counts"),
        pytest.param("Mars/Olympus", "", id="unknown"),
        pytest.param("", "", id="empty"),
        pytest.param(None, "", id="null"),
        pytest.param(["Europe/Berlin"], "", id="list"),
    ],
)
def test_country_of_knows_new_and_old_names(zone: object, country: str) -> None:
    """A time zone gives the country it lies in."""
    assert country_of(zone) == country


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        pytest.param("de", "de", id="language"),
        pytest.param("de-AT", "de", id="region"),
        pytest.param("zh-Hant-TW", "zh", id="script"),
        pytest.param("en_US", "en", id="underscore"),
        pytest.param("DE", "de", id="capitals"),
        pytest.param("gsw-CH", "gsw", id="three-letters"),
        pytest.param("de-" + "x" * 32, "de", id="35-characters"),
        pytest.param("de-" + "x" * 33, "", id="36-characters"),
        pytest.param("d", "", id="one-letter"),
        pytest.param("german", "", id="word"),
        pytest.param("!!", "", id="nonsense"),
        pytest.param("de\n", "", id="line-break"),
        pytest.param("\u0434\u0435", "", id="other-letters"),
        pytest.param("", "", id="empty"),
        pytest.param(None, "", id="null"),
        pytest.param({"de": 1}, "", id="object"),
    ],
)
def test_language_of_keeps_the_primary_subtag(tag: object, language: str) -> None:
    """A language tag is cut down to the language."""
    assert language_of(tag) == language


@pytest.mark.parametrize(
    ("width", "device"),
    [
        pytest.param(-1, "", id="negative"),
        pytest.param(0, "", id="zero"),
        pytest.param(1, "small", id="1"),
        pytest.param(599, "small", id="599"),
        pytest.param(600, "medium", id="600"),
        pytest.param(1_199, "medium", id="1199"),
        pytest.param(1_200, "large", id="1200"),
        pytest.param(10**4_000, "large", id="huge"),
        pytest.param(True, "", id="true"),
        pytest.param(800.0, "", id="fraction"),
        pytest.param("800", "", id="text"),
        pytest.param(None, "", id="null"),
    ],
)
def test_device_of_has_three_classes(width: object, device: str) -> None:
    """A viewport width is small, medium, large or unknown."""
    assert device_of(width) == device


@pytest.mark.parametrize(
    ("script", "version"),
    [
        pytest.param("https://x.example/1.2/assets/mkdocs-stats/t.js", "1.2", id="release"),
        pytest.param("https://x.example/a/b/latest/assets/mkdocs-stats/t.js", "latest", id="deep"),
        pytest.param("https://x.example/v2%2B/a/b/t.js?c=/d/e#/f", "v2+", id="escaped"),
        pytest.param("https://x.example/assets/mkdocs-stats/t.js", "", id="none"),
        pytest.param("https://x.example/a%20b/a/b/t.js", "", id="space"),
        pytest.param("https://x.example/a%2Fb/a/b/t.js", "", id="slash"),
        pytest.param("https://x.example/" + "1" * 51 + "/a/b/t.js", "", id="long"),
        pytest.param("https://x.example/1/a/b/" + "t" * 1_000, "1", id="long-name"),
        pytest.param("https://[::1/1/a/b/t.js", "", id="bracket"),
        pytest.param("", "", id="empty"),
        pytest.param(None, "", id="null"),
        pytest.param(["1.2"], "", id="list"),
    ],
)
def test_version_of_is_the_folder_above_those_of_the_script(script: object, version: str) -> None:
    """Letters, digits and a few signs; anything else is none."""
    assert version_of(script) == version


@given(st.text(max_size=60))
def test_what_is_kept_of_any_text_is_short_and_plain(text: str) -> None:
    """Nothing that a reader types comes through but the letters of a host or of a language."""
    kept = host_of(text) + country_of(text) + language_of(text)

    assert kept.isascii()
    assert all(char.isalnum() or char in ".:[]_-" for char in kept)


def test_time_zones_are_those_of_the_iana_data() -> None:
    """The stored countries are what the update script makes of the installed time zone data."""
    pytest.importorskip("tzdata")
    stored: dict[str, str] = json.loads((DATA / "time_zones.json").read_text())
    script: dict[str, Any] = run_path(str(DATA / "update_time_zones.py"))
    derived: dict[str, str] = script["countries_by_zone"]()

    # Names are added and never taken away; a newer release may know a few more.
    assert stored.items() <= derived.items()
    assert len(derived) - len(stored) < 20
    assert list(stored) == sorted(stored)


def test_the_update_script_rewrites_the_file_beside_it(tmp_path: Path) -> None:
    """What it writes is in the form of the stored file."""
    pytest.importorskip("tzdata")
    script = tmp_path / "update_time_zones.py"
    script.write_text((DATA / "update_time_zones.py").read_text())
    run_path(str(script), run_name="__main__")
    written = (tmp_path / "time_zones.json").read_text()

    assert '\n"Asia/Calcutta": "IN",\n' in written
    assert '\n"Asia/Calcutta": "IN",\n' in (DATA / "time_zones.json").read_text()
    assert written.endswith("}\n")


def test_time_zones_cover_the_old_names() -> None:
    """Browsers report names that have been links for years."""
    stored: dict[str, str] = json.loads((DATA / "time_zones.json").read_text())

    assert len(stored) > 500
    assert {"Asia/Calcutta", "Asia/Saigon", "Asia/Katmandu", "Europe/Kiev"} <= stored.keys()
    assert all(len(code) == 2 and code.isupper() for code in stored.values())


@pytest.mark.parametrize(
    ("agent", "browser"),
    [
        pytest.param(
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/142.0.0.0 Safari/537.36",
            "Chrome",
            id="chrome",
        ),
        pytest.param(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1",
            "Chrome",
            id="chrome-ios",
        ),
        pytest.param(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
            "Edge",
            id="edge",
        ),
        pytest.param(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0",
            "Opera",
            id="opera",
        ),
        pytest.param(
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
            "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
            "Samsung Internet",
            id="samsung",
        ),
        pytest.param(
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            "Firefox",
            id="firefox",
        ),
        pytest.param(
            "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15",
            "Firefox",
            id="firefox-ios",
        ),
        pytest.param(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/26.1 Safari/605.1.15",
            "Safari",
            id="safari",
        ),
        pytest.param("curl/8.17.0", "", id="no-browser"),
        pytest.param("Mozilla/5.0 (compatible; Nobody/1.0)", "", id="unknown"),
        pytest.param("", "", id="none"),
    ],
)
def test_browser_of_is_the_family(agent: str, browser: str) -> None:
    """Most name Chrome and Safari besides themselves."""
    assert browser_of(agent) == browser


PRIVATE = st.sampled_from(
    [
        "alice@example.com",
        "bob%40corp.example",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "eyJhbGciOiJIUzI1NiJ9abc123456789",
        "+4917612345678",
        "4111111111111111",
        "4111-1111-1111-1111",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "dQw4w9WgXcQ-3kPz_1aBc9",
    ]
)


@given(st.text(max_size=100), PRIVATE, st.text(max_size=600))
def test_nothing_around_saves_what_is_private(before: str, private: str, after: str) -> None:
    """Wherever it stands in a label."""
    assert private not in label_of(f"{before} {private} {after}")


@given(st.lists(st.text(max_size=20)), PRIVATE, st.lists(st.text(max_size=20)))
def test_a_private_segment_is_one_sign(before: list[str], private: str, after: list[str]) -> None:
    """And the others are judged by themselves."""
    path = "/".join(["", *before, private, *after])
    kept = blot_path(path)

    assert kept == "/".join("*" if blot_path(part) == "*" else part for part in path.split("/"))
    assert private not in kept


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.sampled_from("-/."))
def test_a_date_of_this_century_stays(day: date, sign: str) -> None:
    """From the year on or from the day on, and as folders of a path."""
    for form in (f"%Y{sign}%m{sign}%d", f"%d{sign}%m{sign}%Y"):
        text = day.strftime(form)
        assert label_of(f"on {text}: news") == f"on {text}: news"
        assert blot_path(f"/{text}/news/") == f"/{text}/news/"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/user/alice@example.com/reset/", "/user/*/reset/"),
        ("/x/bob%40corp.example", "/x/*"),
        ("/issues/123456/", "/issues/*/"),
        ("/issues/12345/", "/issues/12345/"),
        ("/20240115/", "/*/"),
        ("/2024/01/15/", "/2024/01/15/"),
        ("/2024-01/", "/2024-01/"),
        ("/v1.2.3/", "/v1.2.3/"),
        ("/3.11/", "/3.11/"),
        ("/release-2026-11-30-notes/", "/release-2026-11-30-notes/"),
        ("/how-to-install-python-3-on-windows/", "/how-to-install-python-3-on-windows/"),
        ("/wp-login.php", "/wp-login.php"),
        ("/", "/"),
    ],
)
def test_a_path_keeps_what_is_not_private(path: str, kept: str) -> None:
    """Segment by segment, in each of them secrets word by word."""
    assert blot_path(path) == kept


def test_no_more_of_a_text_is_looked_at_than_a_label_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pattern gets three labels at most, and takes up a run at its beginning alone."""
    looked_at: list[int] = []

    class Counting:
        def __init__(self, pattern: re.Pattern[str]) -> None:
            self.pattern = pattern

        def sub(self, blotted: Any, line: str) -> str:
            looked_at.append(len(line))
            return self.pattern.sub(blotted, line)

    runs = ["_MAIL", "_SECRET", "_MIXED"]
    patterns = {name: getattr(enrich, name) for name in [*runs, "_NUMBER"]}
    for name, pattern in patterns.items():
        monkeypatch.setattr(enrich, name, Counting(pattern))
    for text in ("-a" * 2_000, " " * 4_000, "-a " * 1_000, "+" * 4_000):
        label_of(text)

    assert len(looked_at) == 4 * len(patterns)
    assert max(looked_at) <= 600
    assert all(patterns[name].pattern.startswith("(?<![") for name in runs)
