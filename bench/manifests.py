"""What it costs that a manifest comes into force; ``python -m bench.manifests``.

One after the other on one SQLite file: the first, the same again, and such as a busy day or a new
start of the whole site would bring. Times are CPU of this process; beside each stands that of the
same pages without headings and links.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from tempfile import TemporaryDirectory

from bench.machine import machine
from tracker_server.app import Tracker, create_app
from tracker_server.config import Settings
from tracker_server.model import Heading, Manifest, Page

AT = 1_767_268_800
FEW = 100
"""Of so many pages one is changed where few are."""

STEP = 7_919
"""How far apart the pages are that a page links to: the index has them all over it."""

Pages = tuple[Page, ...]


def make_pages(pages: int, headings: int, links: int) -> Pages:
    """Return pages with headings, and with links to others all over the site."""
    names = [f"/part-{n % 100}/page-{n}/" for n in range(pages)]
    return tuple(
        Page(
            path,
            path.strip("/"),
            f"Page {n}",
            "page",
            published=True,
            headings=tuple(Heading(f"part-{h}", f"Part {h}", 2, 50) for h in range(headings)),
            links=tuple(names[(n + step * STEP) % pages] for step in range(1, links + 1)),
        )
        for n, path in enumerate(names)
    )


def rename_one(page: Page) -> Page:
    """Give the heading in the middle another name."""
    middle = len(page.headings) // 2
    some = [
        replace(one, anchor=f"{one.anchor}-new", title=f"{one.title} new") if n == middle else one
        for n, one in enumerate(page.headings)
    ]
    return replace(page, headings=tuple(some))


def rename_all(page: Page) -> Page:
    """Give each heading another name."""
    some = (
        replace(one, anchor=f"all-{one.anchor}", title=f"All {one.title}") for one in page.headings
    )
    return replace(page, headings=tuple(some))


def move(page: Page) -> Page:
    """Publish the page elsewhere."""
    return replace(page, path=f"/new{page.path}", formerly=(page.path,), links=())


def cases(pages: Pages) -> Iterator[tuple[str, Pages]]:
    """Yield what comes into force, one after the other."""
    yield "first", pages
    yield "the same again", pages
    pages = tuple(page if n % FEW else rename_one(page) for n, page in enumerate(pages))
    yield f"a heading renamed in 1 of {FEW} pages", pages
    pages = tuple(map(rename_all, pages))
    yield "all headings renamed", pages
    yield "all pages moved, with their former anchors", tuple(map(move, pages))


def measure(pages: Pages) -> dict[str, float]:
    """Put all cases in force; returns the CPU seconds of each."""
    with TemporaryDirectory() as folder:
        app = create_app(Settings(database_url=f"sqlite:///{folder}/stats.sqlite3"))
        tracker: Tracker = app.extensions["tracker"]
        taken = {}
        for number, (name, some) in enumerate(cases(pages)):
            manifest = Manifest("Bench", None, some)
            begin = time.process_time()
            tracker.store.replace_pages(manifest, str(number), AT + number)
            taken[name] = time.process_time() - begin
        tracker.close()
    return taken


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.manifests", description=__doc__)
    parser.add_argument("--pages", type=int, default=100_000)
    parser.add_argument("--headings", type=int, default=20, help="of each page")
    parser.add_argument("--links", type=int, default=0, help="of each page to others")
    options = parser.parse_args()
    floors = measure(make_pages(options.pages, 0, 0))
    found = measure(make_pages(options.pages, options.headings, options.links))
    print(f"{machine()}\n")
    print(f"{options.pages:,} pages, {options.headings} headings and {options.links} links each\n")
    print("| manifest | CPU s | pages alone | times |\n| --- | ---: | ---: | ---: |")
    for name, seconds in found.items():
        print(f"| {name} | {seconds:.1f} | {floors[name]:.1f} | {seconds / floors[name]:.1f} |")


if __name__ == "__main__":
    main()
