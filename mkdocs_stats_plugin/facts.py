"""What the plugin knows about a page, read from MkDocs's objects.

Other plugins are recognised by what they leave on these objects, so that a site without them needs
none: Material's blog plugin by the names of its classes, mkdocs-static-i18n by the attributes of
its files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from reprlib import repr as shortened

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.pages import Page

from mkdocs_stats_plugin.entry import Entry, PageType
from mkdocs_stats_plugin.front_matter import read_day, read_texts
from mkdocs_stats_plugin.history import Past
from mkdocs_stats_plugin.links import Address, read_links
from mkdocs_stats_plugin.navigation import Place
from mkdocs_stats_plugin.origin import former_paths, is_of_author
from mkdocs_stats_plugin.paths import is_listable, site_path
from mkdocs_stats_plugin.reading import (
    is_writable,
    plain_text,
    read_text,
    reading_seconds,
    set_code_apart,
)

MAX_AUTHORS = 20
MAX_TAGS = 50
MAX_LANGUAGE_CHARS = 20

_BLOG = "material.plugins.blog"
_LISTINGS = frozenset({"Archive", "Category", "Profile"})

log = get_plugin_logger("stats")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of the site when its pages are described."""

    config: MkDocsConfig
    address: Address
    posts: frozenset[str]
    """Source paths that the options say are posts."""
    stats_source: str | None
    """That of the page that shows the statistics."""
    places: Mapping[str, Place]
    """In the navigation, by path."""
    pasts: Mapping[str, Past]
    """In git, by source path."""
    digests: Mapping[str, str]
    """Of the Markdown, by source path."""


def read_entry(page: Page, site: Surroundings) -> Entry:
    """Describe a page, after MkDocs has rendered it."""
    path = site_path(page.url)
    kind = _page_type(page, path, site)
    entry = Entry(
        path=path,
        slug=path.strip("/").removesuffix(".html"),
        title=plain_text(page.title),
        type=kind,
        published=_is_published(page),
    )
    if _is_listing(page):
        entry["generated"] = True
    else:
        _add_origin(entry, page, site)
        _add_days(entry, page, site)
        _add_content(entry, page, site)
        _add_place(entry, site.places.get(path))
    if language := _language(page, site.config):
        entry["language"] = language
    return entry


def _add_origin(entry: Entry, page: Page, site: Surroundings) -> None:
    """Say what the page was made from, by whom, and where it was before."""
    source = page.file.src_uri
    if authors := read_texts(page.meta, ("authors", "author"), MAX_AUTHORS):
        entry["authors"] = authors
    if tags := read_texts(page.meta, ("tags",), MAX_TAGS):
        entry["tags"] = tags
    if digest := site.digests.get(source):
        entry["digest"] = digest
    if not is_of_author(page.file, site.config):
        return
    if is_listable(source):
        entry["source"] = source
    past = site.pasts.get(source)
    if past and past.names:
        by_folder = site.config.use_directory_urls
        entry["formerly"] = former_paths(
            past.names, source, entry["path"], directory_urls=by_folder
        )


def _add_days(entry: Entry, page: Page, site: Surroundings) -> None:
    """Say when the page was written: as it says itself, else as git knows."""
    created, updated = _days_said(page)
    if entry["type"] == "post" and created:
        entry["date"] = created
    past = Past()
    if is_of_author(page.file, site.config):
        past = site.pasts.get(page.file.src_uri, past)
    if created := created or past.created:
        entry["created"] = created
    # A page may say that it is younger than its file.
    if not updated and past.updated and past.updated >= (created or ""):
        updated = past.updated
    if updated:
        entry["updated"] = updated


def _days_said(page: Page) -> tuple[str | None, str | None]:
    """Return the days on which a page says that it was published and revised."""
    said: object = getattr(getattr(page, "config", None), "date", None) or page.meta.get("date")
    if isinstance(said, Mapping):
        return _day(page, said.get("created")), _day(page, said.get("updated"))
    return _day(page, said), None


def _day(page: Page, value: object) -> str | None:
    day = read_day(value) if value else None
    if value and not day:
        shown = shortened(value)  # YAML may have made a list of itself.
        # Not a warning: `--strict` should not stop a site for a date that is only shown.
        log.info("%s: the date %s is none, expected YYYY-MM-DD", page.file.src_uri, shown)
    return day


def _add_content(entry: Entry, page: Page, site: Surroundings) -> None:
    """Say what there is to read on the page, and where its links lead."""
    if page.content is None:
        return
    text, code_lines = set_code_apart(page.content)
    words, headings = read_text(text)
    entry["words"] = words
    entry["code_lines"] = code_lines
    entry["reading_seconds"] = reading_seconds(words, code_lines)
    entry["headings"] = headings
    links = read_links(text, page.url, site.address)
    if links.paths:
        entry["links"] = links.paths
    if links.anchors:
        entry["anchors"] = links.anchors
    entry["outbound"] = links.outbound
    for link in links.left_out:
        source = page.file.src_uri
        log.info("%s: the link to %r is not listed: it has control characters", source, link)


def _add_place(entry: Entry, place: Place | None) -> None:
    """Say where in the navigation the page stands."""
    if place is None:
        return
    entry["nav"] = place.number
    if place.trail:
        entry["trail"] = place.trail
    if place.previous:
        entry["previous"] = place.previous
    if place.next:
        entry["next"] = place.next


def _language(page: Page, config: MkDocsConfig) -> str | None:
    """Return the language of a page: that of the folder it is built into, else that of the site.

    Since 1.0, mkdocs-static-i18n leaves both on its files: ``locale_alternate_of`` is the language
    that it is building, ``locale`` that of the source, which may be another where it falls back.
    """
    file = page.file
    said = getattr(file, "locale_alternate_of", None) or getattr(file, "locale", None)
    language = str(said or site_language(config)).lower().replace("_", "-")
    return language if len(language) <= MAX_LANGUAGE_CHARS and is_writable(language) else None


def site_language(config: MkDocsConfig) -> str:
    """Return the language of the site: Material has a setting of its own beside MkDocs's."""
    return str(config.theme.get("language") or config.theme.locale)


def _page_type(page: Page, path: str, site: Surroundings) -> PageType:
    source = page.file.src_uri
    if source == site.stats_source:
        return "stats"
    if path == "/":
        return "home"
    return "post" if source in site.posts or "Post" in _blog_classes(type(page)) else "page"


@cache
def _blog_classes(kind: type) -> frozenset[str]:
    """Return the names of the blog plugin's classes among the ancestors of `kind`."""
    return frozenset(base.__name__ for base in kind.__mro__ if base.__module__.startswith(_BLOG))


def _is_published(page: Page) -> bool:
    """Tell whether the page is meant for readers.

    Pages without YAML front matter have text for every value, hence the comparison of text.
    """
    if page.file.inclusion.is_excluded():
        return False
    draft, published = page.meta.get("draft"), page.meta.get("published")
    return not (_says(draft, "true") or _says(published, "false"))


def _says(value: object, word: str) -> bool:
    return isinstance(value, str | bool) and str(value).lower() == word


def _is_listing(page: Page) -> bool:
    """Tell whether the blog plugin made the page: an archive, or a further page of an index."""
    classes = _blog_classes(type(page))
    if "View" not in classes:
        return False
    siblings = getattr(page, "pages", [])
    return bool(classes & _LISTINGS) or (bool(siblings) and siblings[0] is not page)
