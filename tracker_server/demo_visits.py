"""What made-up readers do in one visit: which pages they open, and what they do on each.

The messages are those that a browser would send. The world that is read, and who reads it, are
made in `demo_readers`.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeVar
from zlib import crc32

from tracker_server.demo_reading import read_page
from tracker_server.demo_world import (
    BROKEN_LINKS,
    CODE_LANGUAGES,
    COMPLAINTS,
    DAY_HOURS,
    LINKS_OUT,
    PRAISE,
    TABS,
    VAIN_QUERIES,
    Source,
)
from tracker_server.model import (
    Beat,
    Event,
    Heading,
    Leave,
    Message,
    NotFound,
    Page,
    Received,
    View,
)
from tracker_server.packing import SECONDS_PER_DAY, SECONDS_PER_HOUR

_GOES_ON = 0.58
"""How often another page follows a page."""
_BEAT_SECONDS = 30
LINKED_HEADINGS = 6
"""How many headings of a page others link to, the first ones."""

_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True)
class Reader:
    """One browser, as the tracker gets to know it."""

    session: int
    country: str
    language: str
    device: str
    browser: str
    version: str
    hours_ahead: int
    """Of UTC."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Readers whom one occasion brings on one day."""

    visits: float
    sources: Sequence[Source]
    page: Page | None
    """Where they land; ``None`` for where their source leads."""
    hours: Sequence[float] | None = None
    """When in the day of UTC, where it is not their own day that decides."""
    patience: float = 1.0


@dataclass(slots=True)
class World:
    """The pages, how much each is read, and chance."""

    dice: random.Random
    until: int
    """The moment at which the history ends."""

    home: Page | None
    guides: list[tuple[Page, float]]
    """Pages that an author wrote, and their shares."""
    listings: list[Page]
    posts: list[tuple[Page, int]]
    """With the day of publication."""
    seconds: dict[str, float] = field(default_factory=dict)
    """How long a patient reader reads a path."""
    quality: dict[str, float] = field(default_factory=dict)
    """What part of the ratings of a path is good."""

    def shares(self, day: int) -> list[tuple[Page, float]]:
        """Return how much each page is read on a day by those who have no special occasion."""
        posts = [
            (page, 0.12 + 2.4 * 0.5 ** ((day - published) / 3.0))
            for page, published in self.posts
            if published <= day
        ]
        home = [(self.home, 1.6)] if self.home else []
        return [*home, *self.guides, *((page, 0.04) for page in self.listings), *posts]


def visit(world: World, day: int, crowd: Crowd, reader: Reader) -> Iterator[Received]:
    """Yield what a browser sends in one visit."""
    dice, until = world.dice, world.until
    source = pick(dice, [(source, source.share) for source in crowd.sources])
    shares = world.shares(day)
    page = crowd.page
    if page is None:
        lands_home = source.lands == "home" and dice.random() < 0.65
        page = world.home if lands_home and world.home else pick(dice, shares)
    at = day * SECONDS_PER_DAY + _second(reader, crowd, dice)
    before: Leave | None = None
    came_from: Source | None = source
    while True:
        view = _view(reader, page, came_from, before, dice)
        yield Received(at, view)
        whole = world.seconds[page.path]
        seconds, engagement = read_page(page, view.load, whole, crowd.patience, dice)
        end = at + max(1, int(seconds))
        if at <= until < end:
            # Still there at the end of the history, and heard of lately.
            beat = until - (until - at) % _BEAT_SECONDS
            yield Received(beat, Beat(reader.session, view.load, page.path))
        yield from _acts(world, page, view, at, seconds)
        yield from _arrive(page, view, at)
        before = Leave(reader.session, view.load, page.path, engagement)
        goes_on = dice.random() < _GOES_ON * crowd.patience**0.7
        others = [(other, share) for other, share in shares if other is not page]
        if not goes_on or not others:
            # The last message of a tab does not always come through.
            if dice.random() < 0.93:
                yield Received(end, before)
            return
        page, at, came_from = pick(dice, others), end, None


def _second(reader: Reader, crowd: Crowd, dice: random.Random) -> int:
    """Return when in the day of UTC a visit begins."""
    hour = pick(dice, list(enumerate(crowd.hours or DAY_HOURS)))
    if crowd.hours is None:
        hour = (hour - reader.hours_ahead) % 24
    return hour * SECONDS_PER_HOUR + dice.randrange(SECONDS_PER_HOUR)


def _view(
    reader: Reader, page: Page, source: Source | None, before: Leave | None, dice: random.Random
) -> View:
    return View(
        reader.session,
        dice.getrandbits(63),
        page.path,
        referrer=source.host if source else "",
        country=reader.country,
        language=reader.language,
        device=reader.device,
        browser=reader.browser,
        before=before,
        campaign=source.campaign if source else "",
        version=reader.version,
    )


def _acts(world: World, page: Page, view: View, at: int, seconds: float) -> Iterator[Received]:
    """Yield what a reader does on a page besides reading it: search it, rate it."""
    dice = world.dice

    def event(name: str, label: str, number: int, target: str = "", heading: str = "") -> Received:
        message = Event(view.session, view.load, page.path, name, label, number, target, heading)
        return Received(at + int(seconds * dice.uniform(0.4, 0.9)), message)

    if dice.random() < 0.055:
        query, results, target = _search(world)
        yield event("search", query, results, target)
    if page.type in {"page", "post"} and not page.generated and dice.random() < 0.03:
        good = dice.random() < world.quality[page.path]
        words = dice.choice(PRAISE if good else COMPLAINTS)
        comment = words if dice.random() < 0.3 else ""
        yield event("feedback", comment, int(good), heading=_rated_heading(page, view.load))
    if page.code_lines and dice.random() < 0.08:
        block = dice.randrange(3)
        language = crc32(f"{page.path} {block}".encode()) % len(CODE_LANGUAGES)
        yield event("copy", CODE_LANGUAGES[language], block)
    if page.outbound and dice.random() < 0.05:
        kind, target = pick(dice, LINKS_OUT)
        yield event(kind, target, 0)


def _rated_heading(page: Page, load: int) -> str:
    """Return the heading below which a reader rates a page, which has a form below each."""
    dice = random.Random(load)  # noqa: S311  # no secret
    return dice.choice(page.headings).anchor if page.headings else ""


def lost_anchor(heading: Heading) -> str:
    """Return what others link to: it stood twice on its page, or had other joints between words."""
    anchor = heading.anchor
    return anchor.replace("-", "_") if "-" in anchor else f"{anchor}_1"


def _arrive(page: Page, view: View, at: int) -> Iterator[Received]:
    """Yield what goes wrong, and what is chosen, on a page.

    The chance in it is that of the load, so that no other figure depends on it.
    """
    dice = random.Random(~view.load)  # noqa: S311  # no secret
    if page.headings and view.before is None and dice.random() < 0.012:
        lost = lost_anchor(dice.choice(page.headings[:LINKED_HEADINGS]))
        about = view.session, view.load, page.path
        yield Received(at, Event(*about, "anchor", lost, referrer=view.referrer))
    if page.code_lines and dice.random() < 0.07:
        number = crc32(page.path.encode()) % 2 and dice.randrange(2)
        tab = pick(dice, [(name, 1 / place) for place, name in enumerate(TABS, 1)])
        yield Received(at + 1, Event(view.session, view.load, page.path, "tab", tab, number))


def _search(world: World) -> tuple[str, int, str]:
    """Return a query, how many results it had and which one was clicked."""
    dice = world.dice
    if dice.random() < 0.16 or not world.guides:
        return pick(dice, [(q, 1 / n) for n, q in enumerate(VAIN_QUERIES, 1)]), 0, ""
    page = pick(dice, world.guides)
    words = [word for word in page.title.lower().split() if len(word) > 4 and word.isalpha()]
    query = dice.choice(words or [page.title.lower()])
    return query, 1 + crc32(query.encode()) % 9, page.path if dice.random() < 0.7 else ""


def missing(world: World, day: int) -> Iterator[Received]:
    """Yield the pages of a day that are not there: old addresses, and mistyped ones."""
    dice = world.dice
    broken = [(path, 1 / n) for n, path in enumerate(_broken_paths(world), 1)]
    for _ in range(dice.randint(1, 6) if broken else 0):
        path = pick(dice, broken)
        at = day * SECONDS_PER_DAY + dice.randrange(SECONDS_PER_DAY)
        # A link to a page that has moved stands in one place, or in two.
        places = (crc32(path.encode()) + dice.randrange(2)) % len(BROKEN_LINKS)
        message: Message = NotFound(
            dice.getrandbits(63), dice.getrandbits(63), path, BROKEN_LINKS[places]
        )
        yield Received(at, message)


def _broken_paths(world: World) -> list[str]:
    paths = [page.path.rstrip("/") for page, _share in world.guides[:6]]
    forms = ("{0}.html", "/docs{0}/", "{1}/", "/en{0}/", "{0}/index.htm", "/v1{0}/")
    return [form.format(path, path[:-1]) for form, path in zip(forms, paths, strict=False)]


def pick(dice: random.Random, entries: Sequence[tuple[_Entry, float]]) -> _Entry:
    """Return one of some entries, each as often as its share says."""
    bounds = [*accumulate(share for _entry, share in entries)]
    return dice.choices([entry for entry, _share in entries], cum_weights=bounds)[0]
