"""Who made-up readers are and when they come: a believable history up to some moment.

All of it follows from the pages, the moment and a seed: the same three give the same
messages. Nothing is stored here; the messages are those that browsers would have sent.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import date
from operator import attrgetter

from tracker_server.demo_visits import Crowd, Reader, World, missing, pick, visit
from tracker_server.demo_world import (
    ANNOUNCEMENT,
    BROWSERS,
    COUNTRIES,
    DEVICES,
    FRONT_PAGE,
    SOURCES,
    VERSIONS,
    WEEKDAYS,
)
from tracker_server.model import Page, Received
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
_EPOCH = date(1970, 1, 1)
_MONDAY = 4
"""The first Monday since the epoch, as a day."""


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
                waiting += visit(world, day, crowd, reader)
        waiting += missing(world, day)
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


def _look_at(pages: Sequence[Page], until: int, dice: random.Random) -> World:
    written = [page for page in _found(pages) if page.published and page.type != "stats"]
    guides = [p for p in written if p.type == "page" and not p.generated]
    dice.shuffle(guides)
    # What readers begin with is read most, wherever chance has put it.
    guides.sort(key=lambda page: not any(w in page.slug for w in ("install", "start", "intro")))
    world = World(
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


def _crowds(world: World, day: int, last: int, days: int) -> Iterator[Crowd]:
    """Yield who comes on a day, and why."""
    progress = 1 - (last - day) / days
    weekday = WEEKDAYS[(day - _MONDAY) % 7]
    yield Crowd(_VISITS_A_DAY * (1 + _GROWTH * progress) * weekday, SOURCES, None)
    recent = [(p, on) for p, on in world.posts if last - days < on <= day]
    usual: tuple[Page | None, int] = (world.home, last - _RELEASE_DAYS_AGO)
    released, on = max(recent, key=lambda post: post[1], default=usual)
    for page, published in recent:
        if page is not released:
            yield Crowd(_POST_VISITS * 0.5 ** ((day - published) / 2.0), ANNOUNCEMENT, page)
    if released and day >= on:
        fading = 0.5 ** ((day - on) / _RELEASE_HALVES_IN_DAYS)
        yield Crowd(_RELEASE_VISITS * fading, ANNOUNCEMENT, released, patience=0.9)
    front = last - _FRONT_PAGE_DAYS_AGO
    front -= max(0, (front - _MONDAY) % 7 - 3)  # Never on a Friday or a weekend.
    if 0 <= day - front < len(_FRONT_PAGE_VISITS):
        number = _FRONT_PAGE_VISITS[day - front]
        about = _talked_about(world, front, released)
        hours = _FRONT_PAGE_HOURS if day == front else None
        yield Crowd(number, FRONT_PAGE, about, hours, patience=0.6)


def _talked_about(world: World, day: int, released: Page | None) -> Page | None:
    """Return what a front page leads to: a post that is no news, else the first page."""
    older = [
        (on, page.path, page) for page, on in world.posts if on <= day and page is not released
    ]
    return max(older)[2] if older else world.home


class _Readers:
    """Who comes: some for the first time, some again."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._regulars: list[Reader] = []

    def next(self, crowd: Crowd) -> Reader:
        """Return a reader; one who came lately more often than one who came long ago."""
        dice = self._dice
        again = _COMES_BACK * (1.0 if crowd.sources is SOURCES else 0.2)
        if self._regulars and dice.random() < again:
            return self._regulars[int(len(self._regulars) * dice.random() ** 0.5)]
        country = pick(dice, [(country, country.share) for country in COUNTRIES])
        on_the_go = 2.4 if crowd.sources is FRONT_PAGE else 1.0
        device = pick(
            dice, [(d, s * (on_the_go if d == "small" else 1)) for d, s in DEVICES.items()]
        )
        language = dice.choice(country.languages)
        browser = pick(dice, [*BROWSERS[device].items()])
        version = pick(dice, [*VERSIONS.items()])
        session, ahead = dice.getrandbits(63), country.hours_ahead
        reader = Reader(session, country.code, language, device, browser, version, ahead)
        if dice.random() < _HABIT:
            self._regulars.append(reader)
        return reader
