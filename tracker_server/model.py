"""The names of the trade: messages from browsers, pages of the site, rows of reports.

All times are whole seconds since the epoch, and all of them are the server's.

Nothing here is changed once it was made. Messages are not declared frozen all the same: making
a frozen one takes 0.9 us instead of 0.2, and there is one to each request.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Engagement:
    """How a page load has been read so far. Each number only grows, so a repetition is harmless."""

    visible: int
    """Milliseconds for which the page was visible."""
    active: int
    """Milliseconds of them with an input in the minute before."""
    depth: int
    """How far down it was scrolled, in percent of its height."""


@dataclass(slots=True)
class View:
    """A page was shown to a reader, as the browser says it."""

    session: int
    """Session id, folded to a signed 64-bit integer; the id itself is kept nowhere."""
    load: int
    """Page-load id, folded likewise."""
    path: str
    """Normalised site-relative path, starts with ``/``."""
    referrer: str = ""
    """Host the reader came from; empty for none and for the site itself."""
    country: str = ""
    """ISO 3166 code guessed from the time zone; empty when unknown."""
    language: str = ""
    """Primary language subtag of the browser; empty when unknown."""
    device: str = ""
    """Viewport class ``small``, ``medium`` or ``large``; empty when unknown."""
    before: "Leave | None" = None
    """The page that this one took the place of in the same document."""


@dataclass(slots=True)
class Beat:
    """A page is still open and visible."""

    session: int
    load: int
    path: str
    engagement: Engagement | None = None


@dataclass(slots=True)
class Leave:
    """A page went away."""

    session: int
    load: int
    path: str
    engagement: Engagement | None = None


@dataclass(slots=True)
class NotFound:
    """The site's 404 page was shown for a path."""

    session: int
    load: int
    path: str
    referrer: str = ""


EVENTS = {"search": 1, "feedback": 2, "copy": 3, "outbound": 4, "download": 5}
"""What a reader can do on a page besides reading it, and the numbers it goes by in the tables."""


@dataclass(slots=True)
class Event:
    """A reader did something on a page, see ``docs/wire.md``."""

    session: int
    load: int
    path: str
    name: str
    """A key of `EVENTS`."""
    label: str = ""
    """Query, comment, language or URL; what looks like an address or a number is blotted out."""
    number: int = 0
    """Results, rating, or which block."""
    target: str = ""
    """Path of the search result that was clicked; empty for none."""


Message = View | Beat | Leave | NotFound | Event


@dataclass(slots=True)
class Received:
    """A message and the second at which the server got it."""

    at: int
    message: Message


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the content manifest, see ``docs/manifest.md``."""

    path: str
    slug: str
    title: str
    type: str
    """``home``, ``post``, ``page`` or ``stats``."""
    published: bool
    date: str | None = None
    """Day of publication of a post, ``YYYY-MM-DD``."""
    generated: bool = False
    """True for listings that a plugin makes."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a site contains."""

    site_name: str
    site_url: str | None
    pages: tuple[Page, ...]


@dataclass(frozen=True, slots=True)
class PathReaders:
    """How many sessions are on a path right now."""

    path: str
    title: str | None
    type: str
    visitors: int


@dataclass(frozen=True, slots=True)
class PathViews:
    """How often a path was viewed."""

    path: str
    title: str | None
    type: str
    views: int


@dataclass(frozen=True, slots=True)
class Counter:
    """The numbers of one page."""

    path: str
    views: int
    """Of all time."""
    readers: int
    """At this moment."""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One day of a series."""

    day: int
    """UTC day since the epoch."""
    views: int
    visitors: int


@dataclass(frozen=True, slots=True)
class PageFigures:
    """One page in a period."""

    path: str
    title: str | None
    type: str
    views: int
    visitors: int


@dataclass(frozen=True, slots=True)
class Count:
    """Views by one entry of a dimension; the text is empty where nothing was said."""

    text: str
    views: int


@dataclass(frozen=True, slots=True)
class MissingPath:
    """A path that was not found."""

    path: str
    count: int
    referrers: tuple[Count, ...]
    """From where most often; ``views`` is how often."""


@dataclass(frozen=True, slots=True)
class Read:
    """How pages were read: sums over page loads."""

    loads: int = 0
    """Page loads that said how they were read."""
    visible: int = 0
    """Milliseconds."""
    active: int = 0
    """Milliseconds."""
    depth: int = 0
    """Percent, of all loads together."""


@dataclass(frozen=True, slots=True)
class Period:
    """What happened in some days; the lists are of the site only, the greatest first."""

    views: int
    visitors: int
    days: tuple[DayFigures, ...]
    read: Read = Read()
    pages: tuple[PageFigures, ...] = ()
    referrers: tuple[Count, ...] = ()
    countries: tuple[Count, ...] = ()
    languages: tuple[Count, ...] = ()
    devices: tuple[Count, ...] = ()
    not_found: tuple[MissingPath, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the stats page shows; the fields of ``GET /api/stats`` in Python spelling."""

    active_visitors: int
    active_by_path: tuple[PathReaders, ...]
    total_page_views: int
    unique_visitors: int
    published_posts: int
    published_pages: int
    tracking_since: int | None
    page_stats: tuple[PathViews, ...]
    """Most viewed first."""
    page_count: int
    site_name: str | None
    site_url: str | None
    series: tuple[DayFigures, ...] = ()
    """The last days, today last."""
    demo: bool = False
    """True when the figures are made up."""


PAGE_TYPES = {"home": "home", "post": "blog", "page": "page", "stats": "stats"}
"""Type of a page in the manifest to the type of its views; a path without a page is ``other``."""


def page_type(manifest_type: str | None) -> str:
    """Return the type that views of a page have."""
    return PAGE_TYPES.get(manifest_type or "", "other")
