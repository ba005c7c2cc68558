"""What is asked of the statistics, and what is answered: questions, and the rows of reports.

All times are whole seconds since the epoch, and days are UTC days since it.
"""

from dataclasses import dataclass, fields


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
class Count:
    """How many of what is counted have an entry; the text is empty where nothing was said."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class PageCount:
    """How often something happened on a page."""

    path: str
    title: str | None
    type: str
    count: int


@dataclass(frozen=True, slots=True)
class MissingPath:
    """A path that was not found."""

    path: str
    count: int
    referrers: tuple[Count, ...]
    """From where most often."""


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
    completed: int = 0
    """How many were read to the end."""
    searched: int = 0
    """On how many others of them the site's search was used."""
    bounced: int = 0
    """How many of the rest were left at once."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which views a report is about: those that have all of these; ``None`` allows any.

    An empty text stands for what was not said.
    """

    page: str | None = None
    """A path."""
    referrer: str | None = None
    country: str | None = None
    language: str | None = None
    device: str | None = None
    browser: str | None = None
    campaign: str | None = None
    version: str | None = None

    @property
    def audience(self) -> tuple[str | None, ...]:
        """The parts of an entry of the vocabulary of audiences."""
        return self.country, self.language, self.device, self.browser, self.version

    @property
    def are_of_views(self) -> bool:
        """Whether they look at more than the page, so that only raw views can tell."""
        parts = self.referrer, self.campaign, *self.audience
        return any(part is not None for part in parts)

    @property
    def are_of_arrivals(self) -> bool:
        """Whether they look at what only the first view of a visit has."""
        return self.referrer is not None or self.campaign is not None


FILTERS = tuple(field.name for field in fields(Filters))


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is about. Days are UTC days since the epoch, the last one included."""

    period: str
    """How the days were named, ``custom`` when they were."""
    first_day: int
    last_day: int
    grain: str = "day"
    """A grain of `tracker_server.grains`."""
    compare: bool = False
    """Whether as many days before are asked for too."""
    filters: Filters = Filters()
    max_rows: int = 50
    """How long each list is at most."""
    max_pages: int | None = None
    """How long the list of pages is, where that differs: each of its rows is several reads."""

    @property
    def days_before(self) -> tuple[int, int] | None:
        """First and last of as many days before, if they are asked for and there were any."""
        first = 2 * self.first_day - self.last_day - 1
        wanted = self.compare and self.period != "all" and first >= 0
        return (first, self.first_day - 1) if wanted else None

    @property
    def reads_raw_views(self) -> bool:
        """Whether it takes so many raw views that others should not wait for it."""
        days = self.last_day - self.first_day + 1
        return self.filters != Filters() or (self.grain == "hour" and days > 1)


@dataclass(frozen=True, slots=True)
class Series:
    """Figures of the parts of a period, each as long as the others."""

    starts: tuple[int, ...]
    """Days since the epoch, hours where that is the grain."""
    views: tuple[int, ...]
    visitors: tuple[int | None, ...]
    """``None`` where no raw views are left to tell."""
    active: tuple[int, ...] | None
    """Milliseconds; ``None`` when it is not known of the views that were asked for."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened in some days."""

    first_day: int
    last_day: int
    views: int
    visitors: int
    visits: int
    """How many began."""
    read: Read | None
    """``None`` when it is not known of the views that were asked for."""
    series: Series


@dataclass(frozen=True, slots=True)
class PageFigures:
    """One page in a period."""

    path: str
    title: str | None
    type: str
    views: int
    visitors: int
    trend: tuple[int, ...]
    """Views of equal spans of days; the first may be shorter."""
    entries: int
    exits: int | None
    read: Read | None


@dataclass(frozen=True, slots=True)
class SectionFigures:
    """How one section of a page was read in a period."""

    anchor: str
    """Id of its heading."""
    title: str
    level: int
    words: int
    loads: int
    """Page loads that had it in view."""
    visible: int
    """For how many milliseconds, all together."""
    stops: int
    """How many of them came no further."""
    gone: bool
    """Whether the manifest does not have it any more."""


@dataclass(frozen=True, slots=True)
class Deploy:
    """A manifest that came into force."""

    at: int
    commit: str | None
    label: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """What happened in a period; in the lists the greatest is first.

    What a filter leaves unknown is ``None``.
    """

    figures: Figures
    before: Figures | None = None
    raw_since: int | None = None
    """The first day whose raw views were there to be read; ``None`` for all."""
    exact: bool = True
    """Whether that was early enough."""
    page: str | None = None
    """The one that it is about: of a former path the page that has it now."""
    deploys: tuple[Deploy, ...] = ()
    """The latest first."""
    pages: tuple[PageFigures, ...] = ()
    entry_pages: tuple[PageCount, ...] = ()
    exit_pages: tuple[PageCount, ...] | None = ()
    next_pages: tuple[PageCount, ...] | None = None
    """Of a report on a page."""
    referrers: tuple[Count, ...] = ()
    """Visits, as in the next one; the lists below are of views."""
    campaigns: tuple[Count, ...] = ()
    """Without the visits that came from none."""
    countries: tuple[Count, ...] = ()
    languages: tuple[Count, ...] = ()
    devices: tuple[Count, ...] = ()
    browsers: tuple[Count, ...] = ()
    versions: tuple[Count, ...] = ()
    """Without the views that are of none."""
    feedback: tuple[int, int] | None = (0, 0)
    """Positive and negative ratings."""
    not_found: tuple[MissingPath, ...] | None = ()
    bots: tuple[Count, ...] | None = ()
    """Views by programs, which are in no other figure."""
    bot_views: int | None = 0
    """All of these; of a page those of this page."""
    links: int | None = None
    """Of a report on a page, how many others of the manifest in force link to it."""
    sections: tuple[SectionFigures, ...] | None = None
    """Of a report on a page, in its order."""


@dataclass(frozen=True, slots=True)
class RecentView:
    """One counted view as everybody may see it."""

    at: int
    path: str
    title: str | None
    country: str
    referrer: str


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
    minutes: tuple[int, ...] = ()
    """Views of the last minutes, the current one last."""
    recent: tuple[RecentView, ...] = ()
    """The latest first."""
    demo: bool = False
    """True when the figures are made up."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The figures of one moment."""

    taken: float
    overview: Overview
    body: bytes
    """JSON of ``GET /api/stats`` with the default number of pages."""
    etag: str


PAGE_TYPES = {"home": "home", "post": "blog", "page": "page", "stats": "stats"}
"""Type of a page in the manifest to the type of its views; a path without a page is ``other``."""


def page_type(manifest_type: str | None) -> str:
    """Return the type that views of a page have."""
    return PAGE_TYPES.get(manifest_type or "", "other")
