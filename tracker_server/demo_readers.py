"""What made-up readers do on a site: a believable history up to some moment.

All of it follows from the pages, the moment and a seed: the same three give the same
messages. Nothing is stored here; the messages are those that browsers would have sent.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from operator import attrgetter
from typing import TypeVar
from zlib import crc32

from tracker_server.demo_reading import read_page
from tracker_server.demo_world import (
    ANNOUNCEMENT,
    BROKEN_LINKS,
    BROWSERS,
    CODE_LANGUAGES,
    COMPLAINTS,
    COUNTRIES,
    DAY_HOURS,
    DEVICES,
    FRONT_PAGE,
    LINKS_OUT,
    PRAISE,
    SOURCES,
    TABS,
    VAIN_QUERIES,
    VERSIONS,
    WEEKDAYS,
    Source,
)
from tracker_server.model import (
    Beat,
    Event,
    Leave,
    Message,
    NotFound,
    Page,
    Received,
    View,
)
from tracker_server.packing import SECONDS_PER_DAY, SECONDS_PER_HOUR, day_of

DAYS = 90
"""How many days a history has, that of the moment included."""

_VISITS_A_DAY = 96
"""On an ordinary Monday at the beginning."""
_GROWTH = 0.55
"""By what part there are more of them at the end."""
_FRONT_PAGE_DAYS_AGO = 19
_FRONT_PAGE_VISITS = (760, 210, 70, 30)
"""How many readers a front page sends on the day and on those that follow."""
_FRONT_PAGE_HOURS = (0.0,) * 13 + (0.2, 1.0, 1.5, 1.6, 1.4, 1.2, 1.0, 0.9, 0.7, 0.6, 0.5)
_RELEASE_DAYS_AGO = 52
"""Where no post of these days can be what is announced."""
_MENDED_DAYS_AGO = 9
_RELEASE_VISITS = 240
_RELEASE_HALVES_IN_DAYS = 1.8
_POST_VISITS = 70
_COMES_BACK = 0.36
"""What part of the visits is made by readers who have been there before."""
_HABIT = 0.3
"""What part of new readers may come back."""
_GOES_ON = 0.58
"""How often another page follows a page."""
_EPOCH = date(1970, 1, 1)
_MONDAY = 4
"""The first Monday since the epoch, as a day."""
_BEAT_SECONDS = 30

_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True)
class _Reader:
    session: int
    country: str
    language: str
    device: str
    browser: str
    version: str
    hours_ahead: int


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Readers whom one occasion brings on one day."""

    visits: float
    sources: Sequence[Source]
    page: Page | None
    """Where they land; ``None`` for where their source leads."""
    hours: Sequence[float] | None = None
    """When in the day of UTC, where it is not their own day that decides."""
    patience: float = 1.0


@dataclass(slots=True)
class _World:
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


def history(pages: Sequence[Page], until: int, seed: int, days: int = DAYS) -> Iterator[Received]:
    """Yield what browsers sent in the days before a moment, in the order of time.

    Args:
        pages: of the site's manifest.
        until: seconds since the epoch; nothing comes later.
        seed: another one gives other readers.
        days: how many there are, that of `until` included.
    """
    dice = random.Random(f"{seed} {day_of(until)} {days}")  # noqa: S311  # no secret
    world = _look_at(pages, until, dice)
    if not world.shares(day_of(until)):
        return
    readers = _Readers(dice)
    last = day_of(until)
    waiting: list[Received] = []
    for day in range(last - days + 1, last + 1):
        for crowd in _crowds(world, day, last, days):
            number = max(0, round(dice.gauss(crowd.visits, crowd.visits**0.5)))
            for _ in range(number):
                reader = readers.next(crowd)
                waiting += _visit(world, day, crowd, reader)
        waiting += _missing(world, day)
        waiting.sort(key=attrgetter("at"))  # Stable: a leave stays behind its view.
        end = min(until + 1, (day + 1) * SECONDS_PER_DAY)
        kept = next((n for n, r in enumerate(waiting) if r.at >= end), len(waiting))
        yield from waiting[:kept]
        del waiting[:kept]


def deploys(pages: Sequence[Page], until: int, days: int = DAYS) -> list[tuple[int, str]]:
    """Return when the site was built anew in these days, in order, and what each build is called.

    Args:
        pages: of the site's manifest.
        until: seconds since the epoch; nothing comes later.
        days: how many there are, that of `until` included.
    """
    last = day_of(until)
    posts = [_day(page) for page in pages if page.type == "post" and page.published]
    news = [day for day in posts if last - days < day <= last - _MENDED_DAYS_AGO]
    released = max(news, default=last - _RELEASE_DAYS_AGO)
    named = (
        (last - days + 1, "v1.3"),
        (released, "v1.4"),
        (last - _MENDED_DAYS_AGO, "v1.4.1"),
    )
    morning = 9 * SECONDS_PER_HOUR
    return [
        (min(until, day * SECONDS_PER_DAY + morning), label)
        for day, label in named
        if last - days < day <= last
    ]


def _look_at(pages: Sequence[Page], until: int, dice: random.Random) -> _World:
    written = [page for page in _found(pages) if page.published and page.type != "stats"]
    guides = [p for p in written if p.type == "page" and not p.generated]
    dice.shuffle(guides)
    # What readers begin with is read most, wherever chance has put it.
    guides.sort(key=lambda page: not any(w in page.slug for w in ("install", "start", "intro")))
    world = _World(
        dice,
        until,
        home=next((p for p in written if p.type == "home"), None),
        guides=[(page, 1 / (place + 1) ** 0.9) for place, page in enumerate(guides)],
        listings=[p for p in written if p.generated],
        posts=[(p, _day(p)) for p in written if p.type == "post"],
    )
    for page in written:
        world.seconds[page.path] = 35.0 if page.type == "home" or page.generated else _length(dice)
        world.quality[page.path] = dice.uniform(0.55, 0.95)
    return world


def _found(pages: Sequence[Page]) -> list[Page]:
    """Return the pages without those that nothing on the site leads to: nobody finds these."""
    linked = {link for page in pages for link in page.links}
    if not any(page.nav for page in pages):  # The manifest does not say.
        return [*pages]
    return [page for page in pages if page.nav or page.type != "page" or page.path in linked]


def _length(dice: random.Random) -> float:
    return dice.uniform(70, 260)


def _day(page: Page) -> int:
    return (date.fromisoformat(page.date) - _EPOCH).days if page.date else 0


def _crowds(world: _World, day: int, last: int, days: int) -> Iterator[_Crowd]:
    """Yield who comes on a day, and why."""
    progress = 1 - (last - day) / days
    weekday = WEEKDAYS[(day - _MONDAY) % 7]
    yield _Crowd(_VISITS_A_DAY * (1 + _GROWTH * progress) * weekday, SOURCES, None)
    recent = [(p, on) for p, on in world.posts if last - days < on <= day]
    usual: tuple[Page | None, int] = (world.home, last - _RELEASE_DAYS_AGO)
    released, on = max(recent, key=lambda post: post[1], default=usual)
    for page, published in recent:
        if page is not released:
            yield _Crowd(_POST_VISITS * 0.5 ** ((day - published) / 2.0), ANNOUNCEMENT, page)
    if released and day >= on:
        fading = 0.5 ** ((day - on) / _RELEASE_HALVES_IN_DAYS)
        yield _Crowd(_RELEASE_VISITS * fading, ANNOUNCEMENT, released, patience=0.9)
    front = last - _FRONT_PAGE_DAYS_AGO
    front -= max(0, (front - _MONDAY) % 7 - 3)  # Never on a Friday or a weekend.
    if 0 <= day - front < len(_FRONT_PAGE_VISITS):
        number = _FRONT_PAGE_VISITS[day - front]
        about = _talked_about(world, front, released)
        hours = _FRONT_PAGE_HOURS if day == front else None
        yield _Crowd(number, FRONT_PAGE, about, hours, patience=0.6)


def _talked_about(world: _World, day: int, released: Page | None) -> Page | None:
    """Return what a front page leads to: a post that is no news, else the first page."""
    older = [
        (on, page.path, page) for page, on in world.posts if on <= day and page is not released
    ]
    return max(older)[2] if older else world.home


class _Readers:
    """Who comes: some for the first time, some again."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._regulars: list[_Reader] = []

    def next(self, crowd: _Crowd) -> _Reader:
        """Return a reader; one who came lately more often than one who came long ago."""
        dice = self._dice
        again = _COMES_BACK * (1.0 if crowd.sources is SOURCES else 0.2)
        if self._regulars and dice.random() < again:
            return self._regulars[int(len(self._regulars) * dice.random() ** 0.5)]
        country = _pick(dice, [(country, country.share) for country in COUNTRIES])
        on_the_go = 2.4 if crowd.sources is FRONT_PAGE else 1.0
        device = _pick(
            dice, [(d, s * (on_the_go if d == "small" else 1)) for d, s in DEVICES.items()]
        )
        language = dice.choice(country.languages)
        browser = _pick(dice, [*BROWSERS[device].items()])
        version = _pick(dice, [*VERSIONS.items()])
        session, ahead = dice.getrandbits(63), country.hours_ahead
        reader = _Reader(session, country.code, language, device, browser, version, ahead)
        if dice.random() < _HABIT:
            self._regulars.append(reader)
        return reader


def _visit(world: _World, day: int, crowd: _Crowd, reader: _Reader) -> Iterator[Received]:
    """Yield what a browser sends in one visit."""
    dice, until = world.dice, world.until
    source = _pick(dice, [(source, source.share) for source in crowd.sources])
    shares = world.shares(day)
    page = crowd.page
    if page is None:
        lands_home = source.lands == "home" and dice.random() < 0.65
        page = world.home if lands_home and world.home else _pick(dice, shares)
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
        page, at, came_from = _pick(dice, others), end, None


def _second(reader: _Reader, crowd: _Crowd, dice: random.Random) -> int:
    """Return when in the day of UTC a visit begins."""
    hour = _pick(dice, list(enumerate(crowd.hours or DAY_HOURS)))
    if crowd.hours is None:
        hour = (hour - reader.hours_ahead) % 24
    return hour * SECONDS_PER_HOUR + dice.randrange(SECONDS_PER_HOUR)


def _view(
    reader: _Reader, page: Page, source: Source | None, before: Leave | None, dice: random.Random
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


def _acts(world: _World, page: Page, view: View, at: int, seconds: float) -> Iterator[Received]:
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
        kind, target = _pick(dice, LINKS_OUT)
        yield event(kind, target, 0)


def _rated_heading(page: Page, load: int) -> str:
    """Return the heading below which a reader rates a page, which has a form below each."""
    dice = random.Random(load)  # noqa: S311  # no secret
    return dice.choice(page.headings).anchor if page.headings else ""


def _arrive(page: Page, view: View, at: int) -> Iterator[Received]:
    """Yield what goes wrong, and what is chosen, on a page.

    The chance in it is that of the load, so that no other figure depends on it.
    """
    dice = random.Random(~view.load)  # noqa: S311  # no secret
    if page.headings and view.before is None and dice.random() < 0.012:
        # A place that stood twice on its page once, or whose words were joined otherwise.
        anchor = dice.choice(page.headings[:6]).anchor
        lost = anchor.replace("-", "_") if "-" in anchor else f"{anchor}_1"
        about = view.session, view.load, page.path
        yield Received(at, Event(*about, "anchor", lost, referrer=view.referrer))
    if page.code_lines and dice.random() < 0.07:
        number = crc32(page.path.encode()) % 2 and dice.randrange(2)
        tab = _pick(dice, [(name, 1 / place) for place, name in enumerate(TABS, 1)])
        yield Received(at + 1, Event(view.session, view.load, page.path, "tab", tab, number))


def _search(world: _World) -> tuple[str, int, str]:
    """Return a query, how many results it had and which one was clicked."""
    dice = world.dice
    if dice.random() < 0.16 or not world.guides:
        return _pick(dice, [(q, 1 / n) for n, q in enumerate(VAIN_QUERIES, 1)]), 0, ""
    page = _pick(dice, world.guides)
    words = [word for word in page.title.lower().split() if len(word) > 4 and word.isalpha()]
    query = dice.choice(words or [page.title.lower()])
    return query, 1 + crc32(query.encode()) % 9, page.path if dice.random() < 0.7 else ""


def _missing(world: _World, day: int) -> Iterator[Received]:
    """Yield the pages of a day that are not there: old addresses, and mistyped ones."""
    dice = world.dice
    broken = [(path, 1 / n) for n, path in enumerate(_broken_paths(world), 1)]
    for _ in range(dice.randint(1, 6) if broken else 0):
        path = _pick(dice, broken)
        at = day * SECONDS_PER_DAY + dice.randrange(SECONDS_PER_DAY)
        # A link to a page that has moved stands in one place, or in two.
        places = (crc32(path.encode()) + dice.randrange(2)) % len(BROKEN_LINKS)
        message: Message = NotFound(
            dice.getrandbits(63), dice.getrandbits(63), path, BROKEN_LINKS[places]
        )
        yield Received(at, message)


def _broken_paths(world: _World) -> list[str]:
    paths = [page.path.rstrip("/") for page, _share in world.guides[:6]]
    forms = ("{0}.html", "/docs{0}/", "{1}/", "/en{0}/", "{0}/index.htm", "/v1{0}/")
    return [form.format(path, path[:-1]) for form, path in zip(forms, paths, strict=False)]


def _pick(dice: random.Random, entries: Sequence[tuple[_Entry, float]]) -> _Entry:
    """Return one of some entries, each as often as its share says."""
    bounds = [*accumulate(share for _entry, share in entries)]
    return dice.choices([entry for entry, _share in entries], cum_weights=bounds)[0]
