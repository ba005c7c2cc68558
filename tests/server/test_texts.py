"""What the page says: one catalogue, complete in each language, and no text that nobody shows."""

import json
import re
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from tracker_server.texts import LANGUAGES, Texts

PACKAGE = Path(__file__).parents[2] / "tracker_server"
CATALOGUE: dict[str, dict[str, str]] = json.loads(
    (PACKAGE / "data" / "texts.json").read_text(encoding="utf-8")
)
NAMES: dict[str, dict[str, dict[str, str]]] = json.loads(
    (PACKAGE / "data" / "names.json").read_text(encoding="utf-8")
)
ZONES: dict[str, str] = json.loads(
    (PACKAGE / "data" / "time_zones.json").read_text(encoding="utf-8")
)
FORMS = (".one", ".other")
_USE = re.compile(
    r"""\b(?:t|texts|self|_texts)\(\s*f?(["'])([a-z_][a-z_.]*?)(\{[^"']*\})?\1( ~)?"""
)


def _uses() -> tuple[set[str], set[str]]:
    """Return the keys that templates and modules name, and the beginnings of those they make."""
    keys: set[str] = set()
    beginnings: set[str] = set()
    for path in [*PACKAGE.glob("templates/*.html"), *PACKAGE.glob("*.py")]:
        for _, key, made, joined in _USE.findall(path.read_text(encoding="utf-8")):
            (beginnings if made or joined else keys).add(key)
    return keys, {beginning for beginning in beginnings if beginning.endswith(".")}


def _stem(key: str) -> str:
    return next((key.removesuffix(form) for form in FORMS if key.endswith(form)), key)


def test_all_languages_have_the_same_keys() -> None:
    """Nothing is untranslated; also what countries and languages are called."""
    assert set(CATALOGUE) == set(LANGUAGES) == set(NAMES)
    english, german = (CATALOGUE[language] for language in LANGUAGES)
    assert english.keys() == german.keys()
    assert {name: fields(text) for name, text in english.items()} == {
        name: fields(text) for name, text in german.items()
    }
    for kind in ("countries", "languages"):
        assert NAMES["en"][kind].keys() == NAMES["de"][kind].keys()


def fields(text: str) -> set[str]:
    """Return what a text leaves open."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    """A key is named in a template or module, or begins as one that is put together there."""
    keys, beginnings = _uses()
    there = set(CATALOGUE["en"])

    unused = {
        key
        for key in there
        if key not in keys and _stem(key) not in keys and not key.startswith(tuple(beginnings))
    }
    missing = {key for key in keys if key not in there and f"{key}.one" not in there}
    assert unused == set()
    # Flask's request.args, dictionaries and the like are asked in the same form.
    assert missing & {key for key in keys if "." in key} == set()
    assert {"figure.", "type.", "list."} <= beginnings


def test_every_country_of_a_time_zone_has_a_name_and_a_shape() -> None:
    """What a reader can come from is on the map, but for what no map of 1:110,000,000 has."""
    world = (PACKAGE / "static" / "world.svg").read_text(encoding="utf-8")
    shapes = set(re.findall(r'id="([A-Z]{2})"', world))
    countries = set(ZONES.values())

    assert countries <= NAMES["en"]["countries"].keys()
    parts = {"AQ", "BQ", "CC", "CX", "GF", "GI", "GP", "MQ", "RE", "SJ", "TK", "TV", "UM", "YT"}
    # Overseas parts that are drawn with their states, atolls, and Antarctica, which is left out.
    assert countries - shapes == parts


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", ["1,234", "0.5", "999,999", "1.23M", "12.3M", "124M"]),
        ("de", ["1.234", "0,5", "999.999", "1,23\u00a0Mio.", "12,3\u00a0Mio.", "124\u00a0Mio."]),
    ],
)
def test_numbers(language: str, written: list[str]) -> None:
    """Thousands are separated, millions rounded to three digits."""
    texts = Texts(language)

    assert [
        texts.number(1_234),
        texts.number(0.5),
        texts.compact(999_999),
        texts.compact(1_234_567),
        texts.compact(12_345_678),
        texts.compact(123_999_999),
    ] == written


@pytest.mark.parametrize(
    ("now", "before", "written"),
    [
        (110, 100, "+10%"),
        (105, 100, "+5.0%"),
        (50, 100, "\N{MINUS SIGN}50%"),
        (100, 100, "±0%"),
        (100_000, 99_999, "±0%"),
        (1_000, 10, "+9,900%"),
    ],
)
def test_changes(now: int, before: int, written: str) -> None:
    """A change has a sign, and a digit behind the point only where it is small."""
    assert Texts("en").change(now / before - 1) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 s"),
        (59.6, "1 min 0 s"),
        (61, "1 min 1 s"),
        (3_661, "1 h 1 min"),
        (360_000, "100 h"),
        (36_000_000, "10,000 h"),
    ],
)
def test_durations(seconds: float, written: str) -> None:
    """The two greatest units are written."""
    assert Texts("en").duration(seconds).replace("\u00a0", " ") == written


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", ["Mar 1", "Mar 1, 2026", "Sun, Mar 1", "Mar 2026"]),
        ("de", ["1. März", "1. März 2026", "So., 1. März", "März 2026"]),
    ],
)
def test_days(language: str, written: list[str]) -> None:
    """Days are in the order of the language; the browser test compares them with `Intl`."""
    texts, day = Texts(language), date(2026, 3, 1)

    assert [texts.day(day), texts.full_day(day), texts.weekday(day), texts.month(day)] == written


def test_spans_name_a_year_once() -> None:
    """A span within a year has it at its end, one day alone is itself."""
    texts = Texts("en")

    assert texts.days(date(2026, 1, 2), date(2026, 3, 1)) == "Jan 2 \N{EN DASH} Mar 1, 2026"
    assert (
        texts.days(date(2025, 12, 31), date(2026, 1, 2)) == "Dec 31, 2025 \N{EN DASH} Jan 2, 2026"
    )
    assert texts.days(date(2026, 1, 2), date(2026, 1, 2)) == "Jan 2, 2026"


def test_entries_have_names() -> None:
    """What has no name of its own is unknown, all others, or what it is."""
    texts: Any = Texts("de")

    assert [texts.country(code) for code in ("AT", "", "(other)", "ZZ")] == [
        "Österreich",
        "Unbekannt",
        "Andere",
        "ZZ",
    ]
    assert texts.tongue("de") == "Deutsch"
    assert [texts("visits", n=n) for n in (1, 1_000)] == ["1 Besuch", "1.000 Besuche"]
