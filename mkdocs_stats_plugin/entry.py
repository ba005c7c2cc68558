"""The form of one page in the content manifest."""

from functools import cache
from typing import (
    Any,
    Literal,
    NotRequired,
    TypedDict,
    TypeGuard,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from mkdocs_stats_plugin.paths import is_listable
from mkdocs_stats_plugin.reading import Heading, is_writable

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


def is_entry(value: object) -> TypeGuard[Entry]:
    """Tell whether a value from a file has the form of a page."""
    if not _has_form(value, Entry):
        return False
    path = cast("Entry", value)["path"]
    return path.startswith("/") and is_listable(path)


def _has_form(value: Any, form: Any) -> bool:  # noqa: ANN401  # whatever a file has
    if is_typeddict(form):
        forms = _forms(form)
        return (
            isinstance(value, dict)
            and value.keys() >= form.__required_keys__
            and all(_has_form(value[key], forms[key]) for key in value.keys() & forms.keys())
        )
    if get_origin(form) is list:
        item = get_args(form)[0]
        return isinstance(value, list) and all(_has_form(some, item) for some in value)
    if get_origin(form) is Literal:
        return value in get_args(form)
    return type(value) is form and (form is not str or is_writable(value))


_forms = cache(get_type_hints)
