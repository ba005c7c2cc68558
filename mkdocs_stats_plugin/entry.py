"""The form of one page in the content manifest."""

from typing import Literal, NotRequired, TypedDict

from mkdocs_stats_plugin.reading import Heading

PageType = Literal["home", "post", "page", "stats"]


class Entry(TypedDict):
    """One page of the content manifest, as `docs/manifest.md` describes it."""

    path: str
    slug: str
    title: str
    type: PageType
    published: bool
    date: NotRequired[str]
    generated: NotRequired[Literal[True]]
    source: NotRequired[str]
    digest: NotRequired[str]
    language: NotRequired[str]
    created: NotRequired[str]
    updated: NotRequired[str]
    formerly: NotRequired[list[str]]
    authors: NotRequired[list[str]]
    tags: NotRequired[list[str]]
    nav: NotRequired[int]
    trail: NotRequired[list[str]]
    previous: NotRequired[str]
    next: NotRequired[str]
    words: NotRequired[int]
    code_lines: NotRequired[int]
    reading_seconds: NotRequired[int]
    headings: NotRequired[list[Heading]]
    links: NotRequired[list[str]]
    anchors: NotRequired[list[str]]
    outbound: NotRequired[int]
