"""The lists of a report as the cards of the stats page: rows that are links, with a bar each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from tracker_server.address import ROWS, TABS, Address
from tracker_server.shapes import level
from tracker_server.texts import Texts

SECTION_ROWS = 30
"""How many of a page a card has: they say the more the more of them there are."""

Item = Mapping[str, Any]
Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a list."""

    name: str
    """What it is called."""
    key: str
    """What it is; of a page its path."""
    count: int = 0
    bar: str = ""
    """Its number as a share of the list's greatest, as a length of SVG."""
    share: str = ""
    """Its number as a share of all, written out; empty where they do not add up to anything."""
    link: str | None = None
    """Address of the view that it is a filter of."""
    page: Item | None = None
    """Of a page, what the report says of it."""
    out: str | None = None
    """Of a page, its address on the site."""
    note: str = ""
    section: Item | None = None
    """Of a section, what the report says of it."""


@dataclass(frozen=True, slots=True)
class Card:
    """One list, or one of several that share a card."""

    name: str
    list: str
    """Which of its lists is shown."""
    rows: Sequence[Row]
    tabs: Sequence[tuple[str, str]] = ()
    """Lists of the card and their addresses."""
    more: str | None = None
    """Address of the whole list where this is not it."""
    shapes: Sequence[tuple[str, int, Row]] = ()
    """Countries on the map: code, shade, row."""


def make_cards(report: Report, address: Address, texts: Texts, site_url: str | None) -> list[Card]:
    """Make the cards of a view: those whose lists the report has, or the one list asked for."""
    maker = _Maker(report, address, texts, site_url)
    if address.list:
        return [maker.whole(address.list)]
    cards = [maker.tabbed(name) for name in TABS]
    on_page = "page" in address.filters
    if on_page:
        others = (card for card in cards if card and card.name != "content")
        cards = [maker.sections(), maker.single("next"), *others]
    else:
        cards.append(maker.single("missing"))
    return [card for card in cards if card]


def make_list(
    name: str, report: Report, address: Address, texts: Texts, site_url: str | None
) -> Card:
    """Make the card of one list, with all of its rows."""
    return _Maker(report, address, texts, site_url).whole(name)


def page_link(site_url: str | None, path: str) -> str | None:
    """Return the address of a page; ``None`` when the site's own is unknown or no web address."""
    if not site_url or not site_url.startswith(("https://", "http://")):
        return None
    return site_url.rstrip("/") + quote(path)


class _Maker:
    def __init__(
        self, report: Report, address: Address, texts: Texts, site_url: str | None
    ) -> None:
        self._report = report
        self._address = address
        self._texts = texts
        self._site_url = site_url

    def tabbed(self, card: str) -> Card | None:
        there = [name for name in TABS[card] if self._items(name) is not None]
        if not there:
            return None
        chosen = getattr(self._address, card)
        shown = chosen if chosen in there else there[0]
        tabs = [(name, self._address.link(**{card: name})) for name in there]
        return self._cut(card, shown, tabs)

    def single(self, name: str) -> Card | None:
        return self._cut(name, name, ()) if self._items(name) is not None else None

    def sections(self) -> Card | None:
        """Make the card of a page whose headings the manifest has, or had while it was read."""
        if not self._report.get("sections"):
            return None
        rows = self._section_rows()
        more = self._address.link(list="sections") if len(rows) > SECTION_ROWS else None
        return Card("sections", "sections", rows[:SECTION_ROWS], more=more)

    def whole(self, name: str) -> Card:
        return Card(name, name, self._section_rows() if name == "sections" else self._rows(name))

    def _section_rows(self) -> list[Row]:
        """Return the sections in the order of the page; none while nobody said what was read."""
        items: list[Item] = self._report.get("sections") or []
        loads = sum(item["stops"] for item in items)
        page = page_link(self._site_url, self._report["path"] or "")
        return [
            Row(
                item["title"] or item["id"],
                item["id"],
                bar=f"{min(1, item['share']) * 100:.1f}%",
                share=self._texts.percent(item["stops"] / loads),
                out=f"{page}#{quote(item['id'])}" if page and not item["gone"] else None,
                note=self._texts("section.gone") if item["gone"] else "",
                section=item,
            )
            for item in (items if loads else ())
        ]

    def _cut(self, card: str, name: str, tabs: Sequence[tuple[str, str]]) -> Card:
        rows = self._rows(name)
        more = self._address.link(list=name) if len(rows) > ROWS else None
        shapes = self._shapes(rows) if name == "countries" else ()
        return Card(card, name, rows[:ROWS], tabs, more, shapes)

    def _items(self, name: str) -> list[Item] | None:
        items: list[Item] | None = self._report.get(_KEYS.get(name, name))
        if name == "versions" and not items:
            return None  # Most sites have but one.
        if name == "posts" and items is not None:
            return [item for item in items if item["type"] == "blog"]
        return items

    def _rows(self, name: str) -> list[Row]:
        items = self._items(name) or []
        key, number = _COLUMNS[name]
        most = max((item[number] for item in items), default=0) or 1
        total = sum(item[number] for item in items) if name in _SHARES else 0
        return [
            replace(
                self._row(name, item, item[key]),
                count=item[number],
                bar=f"{item[number] * 100 / most:.1f}%",
                share=self._texts.percent(item[number] / total, 1) if total else "",
            )
            for item in items
        ]

    def _row(self, name: str, item: Item, key: str) -> Row:
        """Make a row that has no number yet."""
        if "title" not in item:
            link = self._link(name, key)
            return Row(self._name(name, key), key, link=link, note=self._note(item))
        return Row(
            item["title"] or self._texts.entry(key),
            key,
            link=self._link(name, key),
            page=item,
            out=page_link(self._site_url, key) if item["title"] else None,
        )

    def _name(self, name: str, key: str) -> str:
        return _NAMES.get(name, Texts.entry)(self._texts, key)

    def _link(self, name: str, key: str) -> str | None:
        filter_ = _FILTERS.get(name)
        if filter_ is None or key == "(other)":
            return None
        return self._address.link(**{filter_: key})

    def _note(self, item: Item) -> str:
        """Say from where a missing page was asked for."""
        named = [row["referrer"] for row in item.get("referrers", ()) if row["referrer"]]
        return self._texts("linked_from", hosts=", ".join(named[:3])) if named else ""

    @staticmethod
    def _shapes(rows: Sequence[Row]) -> list[tuple[str, int, Row]]:
        total = sum(row.count for row in rows) or 1
        return [(row.key, level(row.count / total), row) for row in rows if len(row.key) == 2]


def _device(texts: Texts, key: str) -> str:
    return texts(f"device.{key}") if key in ("small", "medium", "large") else texts.entry(key)


def _referrer(texts: Texts, key: str) -> str:
    return texts.entry(key) if key else texts("direct")


def _campaign(texts: Texts, key: str) -> str:
    """Return its name, source and medium, as far as they are known."""
    if key.count("/") != 2:  # Not as they are stored, but a filter may be any text.
        return texts.entry(key) if key else texts("no_campaign")
    source, medium, name = map(unquote, key.split("/", 2))
    return " · ".join(filter(None, (name, source, medium)))


_NAMES: dict[str, Callable[[Texts, str], str]] = {
    "countries": Texts.country,
    "languages": Texts.tongue,
    "devices": _device,
    "referrers": _referrer,
    "campaigns": _campaign,
}
_KEYS = {
    "posts": "pages",
    "entry": "entryPages",
    "exit": "exitPages",
    "missing": "notFound",
}
"""Where a list has another name in the report."""
_COLUMNS = {
    "pages": ("path", "views"),
    "posts": ("path", "views"),
    "entry": ("path", "count"),
    "exit": ("path", "count"),
    "next": ("path", "count"),
    "missing": ("path", "count"),
    "referrers": ("referrer", "visits"),
    "campaigns": ("campaign", "visits"),
    "countries": ("country", "views"),
    "languages": ("language", "views"),
    "devices": ("device", "views"),
    "browsers": ("browser", "views"),
    "versions": ("version", "views"),
    "bots": ("bot", "views"),
}
"""What a list is about, and its number."""
_FILTERS = dict.fromkeys(("pages", "posts", "entry", "exit", "next"), "page") | {
    "referrers": "referrer",
    "campaigns": "campaign",
    "countries": "country",
    "languages": "language",
    "devices": "device",
    "browsers": "browser",
    "versions": "version",
}
# A reader may be in several rows of the other lists, so their numbers add up to nothing.
_SHARES = {
    *("referrers", "campaigns", "countries", "languages", "devices", "browsers", "versions"),
    *("bots", "next"),
}


def name_filter(texts: Texts, name: str, value: str) -> str:
    """Return what the value of a filter is called that is no page."""
    lists = {filter_: list_ for list_, filter_ in _FILTERS.items()}
    return _NAMES.get(lists[name], Texts.entry)(texts, value)
