"""P8: no stored value changes the structure of a page, a stream, a picture, a log or a terminal.

Everything that shows what readers and authors chose (`renders`) is made twice: of a harmless
word, and of texts that have broken other programs (`hostile`), joined and cut by chance. Both must
have the same structure: the same tags, names of attributes and beginnings of addresses, the
same shape of JSON, one line of the log, one event of a stream, nothing that a terminal obeys.

The control is a template that trusts a title (``|safe``).

``python -m tests.reliability.structure`` prints the seed, the numbers and PASS or FAIL.
"""

import csv
import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from html.parser import HTMLParser
from multiprocessing import get_context
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from tests.reliability.hostile import TEXTS
from tests.reliability.promise import arguments, conclude
from tests.reliability.renders import Renders
from tracker_server.fields import _UNWRITABLE

Breaks = Callable[[str], str]
RENDERS = 20_000
PROCESSES = 2
SHOWN = 5
ADDRESSES = {"href", "src", "action", "formaction", "xlink:href", "poster", "data", "srcset"}
CONSTANT = {"class", "id", "rel", "type", "name", "data-part", "style", "role", "method"}
"""Attributes whose values are the templates' own."""
_HARMLESS = "benign"
_WRITABLE = tuple(text for text in TEXTS if text.strip() and not _UNWRITABLE.search(text))
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_COLOUR = re.compile(r"\x1b\[(?:[0-9]+)m")


@dataclass(slots=True)
class Outcome:
    """What was rendered, and what had another structure than it should."""

    renders: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        return not self.broken and self.renders.total() > 0

    def add(self, other: "Outcome") -> None:
        """Take in what another process found."""
        self.renders += other.renders
        self.broken += other.broken
        self.examples = (self.examples + other.examples)[:SHOWN]

    def __str__(self) -> str:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(self.renders.items()))
        said = f"{self.renders.total():,} renders ({kinds}): {self.broken.total():,} changed"
        return "; ".join((said, *self.examples))


class _Html(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.skeleton: list[object] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.skeleton.append((tag, *(_attribute(name, value) for name, value in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.skeleton.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.skeleton.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.skeleton.append(("declaration", decl))

    def handle_pi(self, data: str) -> None:
        self.skeleton.append(("instruction", data))

    def unknown_decl(self, data: str) -> None:
        self.skeleton.append(("unknown", data))


def _attribute(name: str, value: str | None) -> object:
    if name in CONSTANT:
        return name, value
    if name not in ADDRESSES:
        return name
    # A browser leaves these out before it looks for a scheme.
    parts = urlsplit(re.sub(r"[\t\r\n]", "", value or "").strip())
    return name, parts.scheme, parts.netloc, parts.path[:1]


def _of_html(text: str) -> object:
    return _Html(text).skeleton


def _of_xml(text: str) -> object:
    return [(element.tag, sorted(element.attrib)) for element in ET.fromstring(text).iter()]


def _of_json(text: str) -> object:
    return _shape(json.loads(text))


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {key: _shape(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_shape(entry) for entry in value]
    return type(value).__name__


def _of_events(text: str) -> object:
    """Read a stream as a browser does."""
    lines = [line.partition(":") for line in re.split(r"\r\n|\r|\n", text)]
    return [(name, _of_json(said) if name == "data" else "") for name, _, said in lines]


def _of_log(text: str) -> object:
    return len(text.splitlines()), text.isascii() and text.isprintable(), _of_json(text)


def _of_terminal(text: str) -> object:
    """Count lines; what a terminal obeys must be the colours of the report."""
    plain = _COLOUR.sub("", text)
    return len(plain.splitlines()), plain.count("\n"), _OBEYED.findall(plain)


def _of_csv(text: str) -> object:
    """Count cells as a spreadsheet reads them, and those that it would run."""
    rows = [*csv.reader(io.StringIO(text, newline=""), strict=True)]
    # As it is read where decimals have commas.
    others = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    cells = [cell for row in [*rows, *others] for cell in row]
    return [len(row) for row in rows], [cell for cell in cells if cell.startswith(_FORMULA)]


STRUCTURES: dict[str, Callable[[str], object]] = {
    "html": _of_html,
    "xml": _of_xml,
    "json": _of_json,
    "events": _of_events,
    "csv": _of_csv,
    "log": _of_log,
    "terminal": _of_terminal,
}


def run(renders: int, seed: int, templates: Breaks = str) -> Outcome:
    """Render so often.

    Args:
        renders: at least.
        seed: of the texts.
        templates: gets the source of each template; one that breaks it is the control.
    """
    dice, outcome, made = random.Random(seed), Outcome(), Renders(templates)
    expected: dict[int, list[object]] = {}
    number = 0
    while outcome.renders.total() < renders:
        variant = number % _VARIANTS
        if variant not in expected:
            faces = made.of(lambda: _HARMLESS, variant)
            expected[variant] = [STRUCTURES[kind](text) for kind, text in faces]
        faces = made.of(lambda: _text(dice), variant)
        for (kind, text), structure in zip(faces, expected[variant], strict=True):
            outcome.renders[kind] += 1
            _compare(kind, text, structure, outcome)
        number += 1
    return outcome


_VARIANTS = 12
"""How many kinds of looks `Renders.of` tells apart: of the languages, filters, sites, widths."""


def _compare(kind: str, text: str, structure: object, outcome: Outcome) -> None:
    try:
        found = STRUCTURES[kind](text)
    except (ValueError, csv.Error, ET.ParseError) as error:
        found = str(error)
    if found != structure:
        outcome.broken[kind] += 1
        if len(outcome.examples) < SHOWN:
            outcome.examples.append(f"{kind} with {_first_difference(found, structure)}")


def _first_difference(found: object, structure: object) -> str:
    if isinstance(found, list) and isinstance(structure, list):
        pairs = zip(found, structure, strict=False)
        return next((f"{new!r} for {old!r}"[:300] for new, old in pairs if new != old), "more")
    return f"{found!r} for {structure!r}"[:300]


def _text(dice: random.Random) -> str:
    """Return a hostile text, one of two that were joined, or one that was cut somewhere."""
    text = dice.choice(_WRITABLE)
    lot = dice.random()
    if lot < 0.3:
        text += dice.choice(_WRITABLE)
    elif lot < 0.5:
        at = dice.randrange(len(text))
        text = text[at:] + dice.choice(("", "<", '"', "'", "&", "\x1b[", "\r\n", "\u2028"))
    text = text[:300]
    # Nothing, one of two letters and `(other)` have a meaning, and so their own structure.
    return text if text.strip() and len(text) != 2 and text != "(other)" else "<b>"


def trusting(source: str) -> str:
    """Return a template in which the name of a row is taken for markup; the control."""
    return source.replace("{{ row.name }}", "{{ row.name|safe }}")


def unquoted(source: str) -> str:
    """Return a template with an attribute without quotes; another control."""
    return source.replace('data-path="{{ path }}"', "data-path={{ path }}")


def _share(renders: int, seed: int, control: bool) -> Outcome:  # noqa: FBT001  # for another process
    return run(renders, seed, trusting if control else str)


def main() -> None:
    """Run from the command line."""
    options = arguments(
        __doc__, "trust a name in a template", renders=RENDERS, seed=True
    ).parse_args()
    outcome = Outcome()
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        shares = [
            pool.submit(_share, options.renders // PROCESSES, options.seed + n, options.control)
            for n in range(PROCESSES)
        ]
        for share in shares:
            outcome.add(share.result())
    conclude("P8", outcome, passed=outcome.passed, seed=options.seed)


if __name__ == "__main__":
    main()
