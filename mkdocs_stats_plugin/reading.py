"""What there is to read on a page: words, headings and their sections, lines of code.

Works on the HTML that Markdown has become, by regular expressions: a parser of HTML takes longer
than the whole build.
"""

import re
from html import unescape
from typing import TypedDict
from urllib.parse import unquote

MAX_TITLE_CHARS = 1000
MAX_HEADINGS = 500
"""How many headings of a page are listed; the rest belongs to the last of them."""
MAX_ANCHOR_CHARS = 200
WORDS_PER_MINUTE = 240
"""How fast text is read; the tracker reckons with the same."""
SECONDS_PER_CODE_LINE = 2

_UNWRITABLE = re.compile(r"[\x00\ud800-\udfff]")
"""What no database stores; the tracker refuses the same."""
# The last one is our own widget, of which only what it asks would count.
_UNREAD = re.compile(
    r"<!--.*?-->|<(pre|script|style|svg|template|button)\b.*?</\1\s*>"
    r'|<div class="mkdocs-stats-feedback\b.*?</p>\s*</div>',
    re.DOTALL | re.IGNORECASE,
)
# A sign of Chinese or Japanese takes about as long as a word of other languages.
_SIGN = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_LETTER = rf"(?:(?!{_SIGN})[^\W_])"
_WORD = re.compile(rf"{_SIGN}|{_LETTER}+(?:['\u2019.-]{_LETTER}+)*")
_HAS_SIGNS = re.compile(_SIGN)
# The same where there are none, in half the time.
_WORD_OF_LETTERS = re.compile(r"[^\W_]+(?:['\u2019.-][^\W_]+)*")
_MARKUP = re.compile(r"<!--.*?-->|</?[a-zA-Z][^>]*>", re.DOTALL)
# Those whose time in view the second script takes.
_HEADING = re.compile(
    r"<h([1-4])((?:\s[^>]*)?\sid\s*=[^>]*)>(.*?)</h\1\s*>", re.DOTALL | re.IGNORECASE
)
_ANCHOR = re.compile(r"\sid\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_LINK = re.compile(
    r"<a\s[^>]*?href\s*=\s*[\"']#([^\"']*)[\"'][^>]*>.*?</a\s*>", re.DOTALL | re.IGNORECASE
)
# In code there is no `<` but that of a tag.
_TAG = re.compile(r"<[^>]*>")
_FILLED_LINE = re.compile(r"\S.*")
# Pygments writes the numbers of lines into a column of their own, or before each line.
_COLUMN_OF_NUMBERS = '<div class="linenodiv">'
_LINE_NUMBER = re.compile(r"<span class=\"linenos[^>]*>[^<]*</span>")
_DIAGRAM = re.compile(r"<pre\s[^>]*\bmermaid\b")


class Heading(TypedDict):
    """A heading that can be linked to, and the section that it begins."""

    id: str
    title: str
    level: int
    words: int
    """Of the heading and of what stands below it up to the next one."""


def set_code_apart(html: str) -> tuple[str, int]:
    """Split a page into its text and its code.

    Returns:
        The page without code blocks and what is not shown, and how many lines of code it has.
    """
    lines = 0

    def leave_out(block: re.Match[str]) -> str:
        nonlocal lines
        if block[1] in {"pre", "PRE"}:
            lines += _count_lines(block)
        return " "

    return _UNREAD.sub(leave_out, html), lines


def _count_lines(block: re.Match[str]) -> int:
    """Count the lines of a code block that are not blank."""
    if block.string.endswith(_COLUMN_OF_NUMBERS, 0, block.start()) or _DIAGRAM.match(block[0]):
        return 0
    code = block[0]
    if "linenos" in code:
        code = _LINE_NUMBER.sub("", code)
    return len(_FILLED_LINE.findall(_TAG.sub("", code)))


def reading_seconds(words: int, code_lines: int) -> int:
    """Return how long a page takes to read, in whole seconds, a half rounded up."""
    return (words * 60 * 2 // WORDS_PER_MINUTE + 1) // 2 + code_lines * SECONDS_PER_CODE_LINE


def read_text(html: str) -> tuple[int, list[Heading]]:
    """Count the words of a page, and list its headings with those of their sections.

    Headings without an id are left out, those of deeper levels, and a second one with the same id:
    what is below them belongs to the one before.

    Args:
        html: The page without its code.
    """
    headings: dict[str, Heading] = {}
    last: Heading | None = None
    words = start = 0
    for found in _HEADING.finditer(html):
        heading = _heading(found)
        if heading is None or heading["id"] in headings or len(headings) == MAX_HEADINGS:
            continue
        words += _close(last, html[start : found.start()])
        last = headings[heading["id"]] = heading
        start = found.start()
    words += _close(last, html[start:])
    return words, [*headings.values()]


def _heading(found: re.Match[str]) -> Heading | None:
    level, attributes, content = found.groups()
    name = anchor_of(attributes)
    if not name or len(name) > MAX_ANCHOR_CHARS:
        return None
    # A link to the heading itself is the sign beside it, unless the whole heading is that link.
    title = plain_text(_LINK.sub(lambda link: _kept(link, name), content)) or plain_text(content)
    return Heading(id=name, title=title or name, level=int(level), words=0)


def anchor_of(attributes: str) -> str:
    """Return the id among the attributes of an element; empty where it has none."""
    anchor = _ANCHOR.search(attributes)
    if anchor is None:
        return ""
    # Browsers put the same sign there.
    return _UNWRITABLE.sub("\ufffd", unescape("".join(filter(None, anchor.groups()))))


def _kept(link: re.Match[str], anchor: str) -> str:
    return "" if unquote(unescape(link[1])) == anchor else link[0]


def _close(section: Heading | None, html: str) -> int:
    """Count the words of a piece of a page for the section that it is; returns the number."""
    text = unescape(_MARKUP.sub(" ", html))
    words = len((_WORD if _HAS_SIGNS.search(text) else _WORD_OF_LETTERS).findall(text))
    if section is not None:
        section["words"] = words
    return words


def plain_text(title: object) -> str:
    """Return a title as a browser would show it.

    Titles from headings arrive with HTML entities, those from the navigation and the front
    matter with whatever was written there: text, markup, or a number such as a year.
    """
    text = "" if title is None else str(title)
    if "<" in text:
        text = _MARKUP.sub("", text)
    return " ".join(writable(unescape(text)).split())[:MAX_TITLE_CHARS]


def writable(text: str) -> str:
    """Return a text without the characters that no database stores."""
    return _UNWRITABLE.sub("", text)


def is_writable(text: str) -> bool:
    """Tell whether a text has none of them."""
    return _UNWRITABLE.search(text) is None
