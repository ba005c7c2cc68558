"""Which user agents are those of programs and not of readers, and what these are called.

Most are known from the list of the package `crawler-user-agents`, the others by words that no
browser has in its user agent. A program that calls itself a browser is taken for one.
"""

import re
from collections import defaultdict
from functools import lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]

from tracker_server.schema import OTHER

MAX_AGENT_CHARS = 1_024
"""How much of a user agent is looked at; those of browsers in apps have up to 500 characters."""
MAX_AGENTS = 2_048
"""How many user agents are remembered with what they are; at most 2 MiB."""
MAX_NAME_CHARS = 60

_READERS = {"Code\\/1\\.", "Fluid", "Sogou", "Viber", "008\\/"}
"""Patterns of the list that are also in user agents of browsers: in an editor, in a messenger, in
an app of its own, in that of a search engine, in the name of a phone."""

_LITERAL = re.compile(r"\^?(?:[^\\^$.|?*+()\[\]{}]|\\[^\w\s])*")
_PHONE = re.compile(
    r"\(Linux;(?![^()]*(?:compatible|http|-Google/))[^()]*Android[^()]*(?:\([^()]*\)[^()]*)*\)"
)
"""Where the browser of a phone says its name, and phones are called Fever, Spider or VR BOT."""
_WORDS = re.compile(
    r"(?<!cu)bot(?![a-z])|crawl|spider|scraper|scrapy|scanner|fetcher|link.?check|feed.?parser"
    r"|headless|phantomjs|puppeteer|playwright|selenium|webdriver|synthetic"
    r"|\+ ?https?:|^https?:|mozilla/\d\.0 \(compatible; (?!msie|konqueror)"
)
"""In lower case. Only browsers of before 2014 called themselves compatible."""


def _index() -> tuple[dict[str, list[str]], tuple[str, ...], dict[str, re.Pattern[str]]]:
    """Return the list in three parts: texts by their first three letters, beginnings, the rest.

    All of it as one regular expression takes 2 ms for a browser's user agent, this 0.06.
    """
    texts: defaultdict[str, list[str]] = defaultdict(list)
    beginnings, rest = [], {}
    for pattern in {str(entry["pattern"]) for entry in CRAWLER_USER_AGENTS_DATA} - _READERS:
        if not _LITERAL.fullmatch(pattern):
            rest[_name_in(pattern)] = re.compile(pattern)
            continue
        text = re.sub(r"\\(.)", r"\1", pattern)
        if text.startswith("^"):
            beginnings.append(text[1:])
        else:
            texts[text[:3]].append(text)
    for those in texts.values():
        those.sort(key=lambda text: (-len(text), text))  # Of two that fit, the one that says more.
    return dict(texts), tuple(sorted(beginnings)), dict(sorted(rest.items()))


def _name_in(pattern: str) -> str:
    """Return what a regular expression of the list is called: its first alternative in letters."""
    text = re.sub(r"\((\^?)([^|)]*)\|[^)]*\)", r"\2", pattern)
    text = text.split("[\\s\\S]")[0].split("|")[0]
    text = re.sub(r"\[[^]]*(.)\]", r"\1", text)
    return _name_of(re.sub(r"\\(.)", r"\1", text))


def _name_of(text: str) -> str:
    return text[:MAX_NAME_CHARS].strip(" /(){}:;,.^$-+")


_TEXTS, _BEGINNINGS, _REST = _index()
_ANY_OF_REST = re.compile("|".join(pattern.pattern for pattern in _REST.values()))


@lru_cache(maxsize=MAX_AGENTS)
def bot_of(agent: str) -> str:
    """Return the name of a program, `OTHER` for one that has none in the list.

    Args:
        agent: a user agent, at most `MAX_AGENT_CHARS` of it.

    Returns:
        Empty for a browser, and for a reader who says nothing.
    """
    said = _PHONE.sub("(Linux)", agent)
    found = _text_in(said)
    if found:
        return _name_of(found)
    if _ANY_OF_REST.search(said):
        return next(name for name, pattern in _REST.items() if pattern.search(said))
    return OTHER if _WORDS.search(said.lower()) else ""


def _text_in(agent: str) -> str:
    """Return the first text of the list that is in a user agent, empty if there is none."""
    for place in range(len(agent) - 2):
        for text in _TEXTS.get(agent[place : place + 3], ()):
            if agent.startswith(text, place):
                return text
    return next(filter(agent.startswith, _BEGINNINGS), "")
