"""How a made-up reader reads one page: for how long, how far, and which sections of it."""

import random
from itertools import accumulate
from zlib import crc32

from tracker_server.model import Engagement, Page


def read_page(
    page: Page, load: int, whole: float, patience: float, dice: random.Random
) -> tuple[float, Engagement]:
    """Return for how many seconds a page stays open, and how it is read.

    Args:
        page: what is read.
        load: id of the page load.
        whole: how many seconds a patient reader reads it.
        patience: 1 for what brings most readers, less for a crowd that only has a look.
        dice: chance.
    """
    mood = dice.random()
    if mood > 0.45 * patience + 0.33:  # Gone at once.
        visible, depth = dice.uniform(3, 16), dice.randint(8, 45)
    elif mood > 0.45 * patience:  # Looks for one thing.
        visible, depth = dice.uniform(0.15, 0.5) * whole, dice.randint(35, 100)
    else:
        visible, depth = whole * dice.lognormvariate(0, 0.3), dice.randint(82, 100)
    active = visible * dice.uniform(0.62, 0.98)
    away = dice.uniform(30, 400) if dice.random() < 0.08 else 0.0
    engagement = Engagement(int(visible * 1_000), int(active * 1_000), depth)
    engagement.sections = _see(page, engagement, load)
    return visible + away, engagement


def _see(page: Page, engagement: Engagement, load: int) -> dict[str, int] | None:
    """Return for how long each section was in view, of those down to where it was scrolled.

    The chance in it is that of the load, so that no other figure depends on the headings.
    """
    dice = random.Random(load)  # noqa: S311  # no secret
    ends = [*accumulate(heading.words + 12 for heading in page.headings)]
    reach = engagement.depth / 100 * ends[-1] if ends else 0
    # Some came for one section, and some sections hold everybody.
    chosen = dice.randrange(len(ends)) if ends and dice.random() < 0.3 else -1
    shares = {
        heading.anchor: (heading.words + 12)
        * dice.lognormvariate(0, 0.5)
        * (1 + crc32(heading.anchor.encode()) % 5 / 2)
        * (6 if place == chosen else 1)
        for place, (heading, end) in enumerate(zip(page.headings, ends, strict=True))
        if end - heading.words - 12 < reach
    }
    total = sum(shares.values())
    # Two sections or so share a window.
    times = {
        anchor: min(engagement.visible, int(engagement.visible * 1.6 * share / total))
        for anchor, share in shares.items()
    }
    return {anchor: time for anchor, time in times.items() if time} or None
