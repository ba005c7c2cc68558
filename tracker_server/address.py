"""What the stats page shows is what its address says: a view can be shared, and Back works.

The period and the filters are the parameters of ``GET /api/report``; the others choose among what
the report has. Nothing is checked here but names: the report says what is wrong with a value.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import quote, urlencode

from tracker_server.figures import FILTERS
from tracker_server.grains import ALL, DEFAULT_PERIOD

METRICS = ("views", "visitors", "engaged")
TABS = {
    "content": ("pages", "posts", "entry", "exit"),
    "source": ("referrers", "campaigns"),
    "place": ("countries", "languages"),
    "client": ("devices", "browsers", "versions", "bots"),
}
"""The lists that share a card, the first shown unless the address names another."""
LISTS = (*(name for names in TABS.values() for name in names), "next", "missing", "sections")
MORE_ROWS = "1000"
ROWS = 10
"""How many rows a card has; the rest is a link away."""
SHOWN_PAGES = str(ROWS + 1)
"""One more than are shown tells that there are more."""

_CHOICES = {
    "metric": METRICS,
    "compare": ("1",),
    "list": LISTS,
    **TABS,
}
"""Parameters of the page alone, and what each may be."""
_ASKED = ("period", "from", "to", "grain", *FILTERS)
_ORDER = (*_ASKED, *_CHOICES, "lang")
_OF_CONTENT = ("period", "from", "to", "lang")
_DEFAULTS = {"period": DEFAULT_PERIOD, "metric": METRICS[0]} | {
    name: choices[0] for name, choices in TABS.items()
}


@lru_cache(1_024)
def _encode(value: str) -> str:
    """Write a value as it stands in an address; a page has 140 links, most with the same ones."""
    return quote(value, safe="/:()")


class Address:
    """The address of a view of the page, and of those one step away."""

    def __init__(
        self, parameters: Mapping[str, str], path: str = "/stats", options: Sequence[str] = ()
    ) -> None:
        """Keep what has a meaning; `path` is an old name of `page`.

        Args:
            parameters: by name.
            path: of the address; with another than that of the overview it is a content report.
            options: what that can be told besides, by name.
        """
        self._path = path
        # A filter of the overview can be an option of a report.
        self._order = tuple(dict.fromkeys((*_ORDER, *options)))
        given = {"page": parameters["path"]} if "path" in parameters else {}
        given |= {name: parameters[name] for name in self._order if name in parameters}
        self._parameters = {
            name: value
            for name, value in given.items()
            if name not in _CHOICES or value in _CHOICES[name]
        }

    def __getattr__(self, name: str) -> str | None:
        """Return a parameter, or what it is without being said; for templates."""
        if name.startswith("_"):
            raise AttributeError(name)
        return self._parameters.get(name, _DEFAULTS.get(name))

    @property
    def is_custom(self) -> bool:
        """Whether the days are given one by one."""
        return "from" in self._parameters or "to" in self._parameters

    @property
    def filters(self) -> dict[str, str]:
        """The filters by name; an empty one asks for what is unknown."""
        return {name: self._parameters[name] for name in FILTERS if name in self._parameters}

    def question(self, *, whole: bool = False) -> dict[str, str]:
        """Return the parameters of the report that the page shows; `whole` for lists at length."""
        question = {name: self._parameters[name] for name in _ASKED if name in self._parameters}
        if not self.is_custom:
            question.setdefault("period", DEFAULT_PERIOD)
        # There is nothing before everything.
        if question.get("period") != ALL:
            question["compare"] = "1"
        if whole or "list" in self._parameters or self._parameters.get("content") == "posts":
            question["limit"] = MORE_ROWS
        else:
            question["pages"] = SHOWN_PAGES
        return question

    def link(self, **changes: str | None) -> str:
        """Return the address with some parameters changed, or without those that are ``None``.

        Another period has its own grain, and another filter leads from a list to the overview.
        """
        parameters: dict[str, str | None] = dict(self._parameters)
        if changes.keys() & {"period", "from", "to"}:
            parameters |= dict.fromkeys(("period", "from", "to", "grain"))
        if changes.keys() & {*FILTERS, "period", "from", "to"}:
            parameters["list"] = None
        parameters |= changes
        kept = "&".join(
            f"{name}={_encode(value)}"
            for name in self._order
            if (value := parameters.get(name)) is not None and value != _DEFAULTS.get(name)
        )
        return f"{self._path}?{kept}" if kept else self._path

    def overview(self, **changes: str | None) -> str:
        """Return the address of the overview of the same days, without filters."""
        nothing = dict.fromkeys((*FILTERS, "list"))
        return Address(self._parameters).link(**nothing | changes)

    def contents(self, report: str = "") -> str:
        """Return the address of a content report of the same days, or of the list of them."""
        kept = {name: text for name, text in self._parameters.items() if name in _OF_CONTENT}
        return Address(kept, f"/stats/content/{report}".rstrip("/")).link()

    def file(self, report: str, ending: str = "") -> str:
        """Return the address of a content report for programs, with all its rows."""
        kept = [(n, v) for n, v in self._parameters.items() if n not in {"lang", *_CHOICES}]
        return f"/api/content/{report}{ending}?" + urlencode([*kept, ("limit", MORE_ROWS)])

    def hidden(self, *, whole: bool = False) -> dict[str, str]:
        """Return what a form that asks for days has to repeat; the `whole` of it for others."""
        return {
            name: value
            for name, value in self._parameters.items()
            if whole or name not in ("period", "from", "to", "grain", "list")
        }
