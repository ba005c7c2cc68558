"""The names of the trade: messages from browsers, pages of the site.

All times are whole seconds since the epoch, and all of them are the server's.

Nothing here is changed once it was made. Messages are not declared frozen all the same: making
a frozen one takes 0.9 us instead of 0.2, and there is one to each request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_ANCHOR_CHARS = 200
"""How long the id of a heading may be."""
MAX_HEADINGS = 500
"""How many of a page a manifest names."""


@dataclass(slots=True)
class Engagement:
    """How a page load has been read so far. Each number only grows, so a repetition is harmless."""

    visible: int
    """Milliseconds for which the page was visible."""
    active: int
    """Milliseconds of them with an input in the minute before."""
    depth: int
    """How far down it was scrolled, in percent of its height."""
    sections: dict[str, int] | None = None
    """Milliseconds for which the section of each heading was in view; ``None`` for none said."""


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
    browser: str = ""
    """Family of the browser; empty when unknown."""
    before: "Leave | None" = None
    """The page that this one took the place of in the same document."""
    campaign: str = ""
    """What `tracker_server.enrich.campaign_of` made of the landing address; empty for none."""
    version: str = ""
    """Of the documentation, as the address calls it; empty where there is but one."""


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


EVENTS = {
    "search": 1,
    "feedback": 2,
    "copy": 3,
    "outbound": 4,
    "download": 5,
    "tab": 6,
    "anchor": 7,
}
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
    """Query, comment, language, URL, name of a tab or an anchor.

    What looks like an address or a number is blotted out.
    """
    number: int = 0
    """Results, rating, which block, or which set of tabs."""
    target: str = ""
    """Path of the search result that was clicked; empty for none."""
    heading: str = ""
    """Id of the heading below which the rating was asked for; empty for none."""
    referrer: str = ""
    """Host from which a reader came by an anchor; empty for none and for the site itself."""


@dataclass(slots=True)
class BotView:
    """A page was shown to a program, see `tracker_server.bots`."""

    session: int
    load: int
    path: str
    bot: str
    """What it is called."""


Message = View | Beat | Leave | NotFound | Event | BotView

OF_NO_SESSION = frozenset({NotFound, Event, BotView})
"""Messages that neither begin nor go on with a session."""


@dataclass(slots=True)
class Received:
    """A message and the second at which the server got it."""

    at: int
    message: Message


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a page that can be linked to, and the section that it begins."""

    anchor: str
    """Its id in the page."""
    title: str
    level: int
    """1 to 4."""
    words: int


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
    words: int | None = None
    """How many words there are to read."""
    headings: tuple[Heading, ...] = ()
    """In the order of the page."""
    source: str | None = None
    """Path of its source in the folder of the sources."""
    created: str | None = None
    """Day of its first state, as `date`."""
    updated: str | None = None
    """Day of its latest state, as `date`."""
    formerly: tuple[str, ...] = ()
    """Paths under which it was published before, the newest first."""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    nav: int | None = None
    """Where in the navigation it stands, from 1 in reading order; none where it does not."""
    trail: tuple[str, ...] = ()
    """Titles of the sections of the navigation above it, the outermost first."""
    previous: str | None = None
    """Path of the page before it in the navigation."""
    next: str | None = None
    """Path of the page after it in the navigation."""
    code_lines: int | None = None
    reading_seconds: int | None = None
    """How long reading it takes, as the site's build expects."""
    language: str | None = None
    """Code such as ``de`` or ``pt-br``."""
    links: tuple[str, ...] = ()
    """Paths of this site that it links to."""
    anchors: tuple[str, ...] = ()
    """Links to a place in a page of this site, ``path#anchor``."""
    outbound: int | None = None
    """How many links to other sites it has."""
    digest: str | None = None
    """Tells one state of its source from another; 12 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a site contains."""

    site_name: str
    site_url: str | None
    pages: tuple[Page, ...]
    commit: str | None = None
    """Of the sources it was built from."""
    label: str | None = None
    """What the site's owner calls this state of it, such as a version."""
    version: str | None = None
    """Which of several versions of a documentation, side by side, it is."""
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """All of them, and the other names that each goes by."""
    redirects: Mapping[str, str] = field(default_factory=dict)
    """Where the site leads those on who ask for a path: to a path or an address."""
