"""Where made-up readers live, when they are awake, where they come from, what they say.

Numbers are shares of any unit: only how they stand to each other matters.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """Readers of one country."""

    code: str
    """ISO 3166."""
    languages: tuple[str, ...]
    """Of their browsers, the usual one first."""
    hours_ahead: int
    """Of UTC, in the middle of the country."""
    share: float


COUNTRIES = (
    Country("US", ("en", "en", "en", "es"), -6, 26),
    Country("DE", ("de", "de", "en"), 1, 14),
    Country("GB", ("en",), 0, 7),
    Country("IN", ("en", "en", "hi"), 5, 7),
    Country("FR", ("fr", "fr", "en"), 1, 6),
    Country("CA", ("en", "en", "fr"), -5, 4.5),
    Country("BR", ("pt",), -3, 4.5),
    Country("NL", ("nl", "en"), 1, 4),
    Country("JP", ("ja",), 9, 3.5),
    Country("AU", ("en",), 10, 3),
    Country("CH", ("de", "de", "fr", "en"), 1, 2.5),
    Country("AT", ("de",), 1, 2.5),
    Country("PL", ("pl", "en"), 1, 2.5),
    Country("ES", ("es",), 1, 2.5),
    Country("IT", ("it",), 1, 2),
    Country("SE", ("sv", "en"), 1, 2),
    Country("CZ", ("cs",), 1, 1.2),
    Country("UA", ("uk",), 2, 1.2),
    Country("KR", ("ko",), 9, 1.2),
    Country("MX", ("es",), -6, 1),
    Country("PT", ("pt",), 0, 1),
    Country("FI", ("fi", "en"), 2, 0.8),
    Country("ZA", ("en",), 2, 0.8),
    Country("NZ", ("en",), 12, 0.7),
    Country("", ("en", ""), 0, 0.6),
)

DAY_HOURS = (
    *(0.10, 0.06, 0.04, 0.04, 0.05, 0.09, 0.20, 0.45, 0.85, 1.20, 1.35, 1.30),
    *(1.00, 1.10, 1.35, 1.35, 1.25, 1.00, 0.75, 0.65, 0.65, 0.60, 0.42, 0.22),
)
"""How much is read in each hour of a reader's own day."""

WEEKDAYS = (1.0, 1.08, 1.06, 1.0, 0.84, 0.42, 0.46)
"""How much is read on each day of the week, Monday first: work, mostly."""

DEVICES = {"large": 66, "medium": 17, "small": 17}
VERSIONS = {"latest": 71, "2.1": 5, "2.0": 11, "1.4": 9, "dev": 4}
"""Of the documentation, by the name that is in the address."""
BROWSERS = {
    "large": {"Chrome": 52, "Firefox": 21, "Edge": 14, "Safari": 12, "": 1},
    "medium": {"Chrome": 48, "Safari": 31, "Firefox": 13, "Edge": 8},
    "small": {"Chrome": 55, "Safari": 36, "Firefox": 5, "Samsung Internet": 4},
}
"""What they read with, by the size of its window."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where readers come from."""

    host: str
    """As a referrer is kept; empty where the browser says none."""
    share: float
    lands: str
    """On the ``home`` page, or ``anywhere``."""
    campaign: str = ""
    """As `tracker_server.enrich.campaign_of` writes it."""


SOURCES = (
    Source("", 34, "home"),
    Source("google.com", 33, "anywhere"),
    Source("github.com", 13, "home"),
    Source("duckduckgo.com", 5, "anywhere"),
    Source("bing.com", 3.5, "anywhere"),
    Source("stackoverflow.com", 3.5, "anywhere"),
    Source("chatgpt.com", 3, "anywhere"),
    Source("reddit.com", 2, "anywhere"),
    Source("mastodon.social", 1, "anywhere"),
    Source("youtube.com", 1, "home"),
    Source("ecosia.org", 1, "anywhere"),
    Source("", 1.2, "anywhere", "newsletter/email/monthly"),
    Source("youtube.com", 0.5, "home", "youtube/video/first-steps"),
)
FRONT_PAGE = (
    Source("news.ycombinator.com", 80, "anywhere"),
    Source("", 12, "anywhere"),
    Source("lobste.rs", 6, "anywhere"),
    Source("hckrnews.com", 2, "anywhere"),
)
"""Where those come from who have seen the site on a front page."""
ANNOUNCEMENT = (
    Source("github.com", 40, "anywhere"),
    Source("", 16, "anywhere"),
    Source("", 12, "anywhere", "newsletter/email/release"),
    Source("mastodon.social", 14, "anywhere"),
    Source("reddit.com", 12, "anywhere"),
    Source("lobste.rs", 6, "anywhere"),
)
"""Where those come from who have heard of something new."""

VAIN_QUERIES = (
    *("docker", "windows service", "kubernetes", "dark mode", "uninstall", "license", "ldap"),
    *("prometheus", "rest api", "offline", "arm64", "proxy"),
)
"""What is searched for in documentation that says nothing about it."""

PRAISE = (
    "Exactly what I was looking for",
    "The example helped, thanks!",
    "Clear and short. More docs should be like this.",
    "Worked the first time",
)
COMPLAINTS = (
    "An example would help here",
    "How do I do this on Windows?",
    "The second command fails for me",
    "Too long, I only wanted the default values",
    "The screenshot is from an older version",
)
BROKEN_LINKS = ("stackoverflow.com", "", "medium.com", "github.com", "dev.to", "reddit.com")
"""Where links to pages come from that do not exist."""

CODE_LANGUAGES = ("yaml", "console", "yaml", "ini")
"""What the code blocks that are copied are written in."""
TABS = ("Linux", "macOS", "FreeBSD")
"""The content tabs of a page with code, the one that is chosen most first."""
LINKS_OUT = (
    (("outbound", "https://man7.org/linux/man-pages/man5/crontab.5.html"), 5.0),
    (("outbound", "https://healthchecks.io/docs/"), 3.0),
    (("download", "https://kettle.example/releases/kettle-1.4.1.tar.gz"), 4.0),
)
"""Where links lead away from the site, and how often each is taken."""
