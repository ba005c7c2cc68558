"""``mkdocs-stats pr-report``: who reads the pages that a branch changes."""

import errno
import json
import os
import re
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar
from unicodedata import category

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis.strategies import text

from mkdocs_stats_plugin import readership, remote
from mkdocs_stats_plugin.cli import main
from mkdocs_stats_plugin.review_text import escape
from mkdocs_stats_plugin.site_map import load_site
from tests.plugin.branches import Project, Read, run_report, start_tracker
from tests.plugin.sites import REPOSITORY, Site, forget_plugins
from tests.processes import Process, free_port
from tests.server.conftest import session_id
from tracker_server.keyring import Keyring
from tracker_server.keys import Keys

SOURCES = (
    *("https://www.google.com/", "https://www.google.at/", "https://a_b.example/x"),
    *("https://www.google.co.uk/", "https://c.example/", "https://a_b.example/", "http://[::1]/"),
)
READ = {
    "/": Read(9, again=4, finished=3, helpful=2, unhelpful=1, links=("/guide/install/", "/news/")),
    "/faq/": Read(12, helpful=1, links=("/guide/install/",)),
    "/guide/": Read(8),
    "/guide/install/": Read(11, again=1, finished=11, unhelpful=2, sources=SOURCES),
    "/guide/tune/": Read(20, sources=("https://tuners.example/",)),
    "/news/": Read(3),
    "/über/größe/": Read(1, finished=1, helpful=1),
    # Longer ago than what is asked for.
    "/guide/old/": Read(15, days_ago=40),
}
MARKER = "<!-- mkdocs-stats pr-report -->\n### Readers of the changed pages\n\n"
HEAD = (
    "| Page | Change | Readers | Views | Helpful | Read to the end |\n"
    "| --- | --- | ---: | ---: | ---: | ---: |\n"
)
ALL_KNOWN = (
    "\nReaders, views, ratings and page loads that were read to the end, of the last 30 days.\n"
)


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Run a tracker that has counted all of `READ`."""
    process = start_tracker(tmp_path_factory.mktemp("tracker") / "public", READ)
    yield process
    process.stop()


@pytest.fixture
def project(tmp_path: Path, tracker: Process) -> Project:
    """Give a project whose site has all pages of `READ`, on its branch main."""
    project = Project(tmp_path / "project")
    project.site.options = {"tracker_url": _url(tracker)}
    project.write("faq.md", "# Questions\n\nWhat is a kettle for? Water.\n")
    project.write("guide/README.md", "# Guide\n\nHow a kettle is used, by those who have one.\n")
    project.write("guide/install.md", "# Install\n\nPut it on the stove and wait for a while.\n")
    project.write("guide/tune.md", "# Tune\n\nTurn the knob until it sounds like a flute.\n")
    project.write("guide/old.md", "# Old ways\n\nHow water was boiled when there was none.\n")
    project.write("news.md", "# News\n\nA lid was added.\n")
    project.write("über/größe.md", "---\ntitle: Größe\n---\n\n# Size\n")
    return project


def _url(process: Process) -> str:
    return f"http://127.0.0.1:{process.port}"


def _link(process: Process, path: str, encoded: str = "") -> str:
    return f"[<code>{path}</code>]({_url(process)}/stats?page={encoded or path})"


def test_each_kind_of_change_is_told_with_its_readers(project: Project, tracker: Process) -> None:
    """The worst comes first; a page that only its file was renamed of is a changed one."""
    project.branch()
    project.write("index.md", "# Kettle\n\nWelcome.\n")
    project.write("guide/extra.md", "# Extras\n")
    project.write("logo.svg", "<svg/>")
    project.move("guide/README.md", "guide/index.md")
    project.move("guide/install.md", "guide/setup.md")
    project.move("guide/tune.md", "guide/tuning.md")
    project.remove("faq.md", "guide/old.md", "news.md")
    project.write("über/größe.md", "---\ntitle: Größe\n---\n\n# Size\n\nLarge.\n")
    project.redirect(
        {
            "guide/tune.md": "guide/tuning.md",
            "faq.md": "guide/setup.md#questions",
            "guide/old.md": "guide/nowhere.md",
        }
    )
    project.commit()

    result = run_report(project.root)

    assert result.stdout == (
        f"{MARKER}"
        "❌ **1 page with more than 10 readers in 30 days loses its address without a redirect.** "
        "Keep the page, or name another in `redirect_maps` of mkdocs-redirects.\n\n"
        "⚠️ 2 pages with at most 10 readers in 30 days lose their addresses without a redirect.\n\n"
        f"{HEAD}"
        f"| Install<br>{_link(tracker, '/guide/install/')} "
        "| ❌ renamed to <code>/guide/setup/</code>, **no redirect**"
        "<br>7 of its views came from other sites (Google 3, a&#95;b.example 2, ::1 1, "
        "1 more), 2 published pages link to it "
        "| 11 | 12 | 0 of 2 | 92 % |\n"
        f"| News<br>{_link(tracker, '/news/')} | ⚠️ deleted, **no redirect**"
        "<br>none of its views came from other sites, 1 published page links to it "
        "| 3 | 3 | – | 0 % |\n"
        f"| Old ways<br>{_link(tracker, '/guide/old/')} "
        "| ⚠️ deleted, **its redirect leads nowhere** | 0 | 0 | – | – |\n"
        f"| Tune<br>{_link(tracker, '/guide/tune/')} "
        "| renamed to <code>/guide/tuning/</code>, redirected | 20 | 20 | – | 0 % |\n"
        f"| Questions<br>{_link(tracker, '/faq/')} "
        "| deleted, redirected to <code>/guide/setup/&#35;\u200bquestions</code> "
        "| 12 | 12 | 1 of 1 | 0 % |\n"
        f"| Kettle<br>{_link(tracker, '/')} | changed | 9 | 13 | 2 of 3 | 23 % |\n"
        f"| Guide<br>{_link(tracker, '/guide/')} | changed | 8 | 8 | – | 0 % |\n"
        f"| Größe<br>{_link(tracker, '/über/größe/', '/%C3%BCber/gr%C3%B6%C3%9Fe/')} "
        "| changed | 1 | 1 | 1 of 1 | 100 % |\n"
        "| Extras<br><code>/guide/extra/</code> | new | – | – | – | – |\n"
        f"{ALL_KNOWN}"
    )
    assert result.stderr == "Error: addresses that readers come to are lost without a redirect: 1\n"
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("most", "redirects", "code"),
    [
        pytest.param("11", {}, 1, id="more-than-allowed"),
        pytest.param("12", {}, 0, id="as-many-as-allowed"),
        pytest.param("0", {"faq.md": "https://kettle.example/faq"}, 0, id="redirected-elsewhere"),
        pytest.param("0", {"faq.md": "index.md"}, 0, id="redirected"),
        pytest.param("11", {"faq.md": "gone.md"}, 1, id="redirected-nowhere"),
        pytest.param("11", {"news.md": "index.md"}, 1, id="redirect-of-another-page"),
    ],
)
def test_deleting_a_page_fails_by_its_readers_and_redirects(
    project: Project, most: str, redirects: dict[str, str], code: int
) -> None:
    """The page has twelve readers."""
    project.branch()
    project.remove("faq.md")
    project.redirect(redirects)
    project.commit()

    assert run_report(project.root, "--max-readers", most).exit_code == code


def test_json_has_the_same(project: Project, tracker: Process, tmp_path: Path) -> None:
    """In a file, with the commits that were compared."""
    base = project.branch()
    project.move("guide/install.md", "guide/setup.md")
    head = project.commit()
    file = tmp_path / "report.json"

    result = run_report(project.root, "--format", "json", "--output", str(file))

    assert (result.exit_code, result.stdout) == (1, "")
    assert json.loads(file.read_text(encoding="utf-8")) == {
        "base": base,
        "head": head,
        "tracker": _url(tracker),
        "problem": None,
        "maxReaders": 10,
        "lost": 1,
        "unplacedPosts": 0,
        "pages": [
            {
                "change": "renamed",
                "path": "/guide/install/",
                "newPath": "/guide/setup/",
                "source": "guide/setup.md",
                "title": "Install",
                "redirect": None,
                "verdict": "lost",
                "readers": 11,
                "views": 12,
                "pageLoads": 12,
                "completed": 11,
                "positive": 0,
                "negative": 2,
                "now": 0,
                "fromElsewhere": 7,
                "sources": [
                    {"source": "Google", "views": 3},
                    {"source": "a_b.example", "views": 2},
                    {"source": "::1", "views": 1},
                    {"source": "c.example", "views": 1},
                ],
                "links": 2,
            }
        ],
    }


def test_what_happened_on_the_base_meanwhile_is_not_of_the_branch(project: Project) -> None:
    """Three dots: compared is with where the branch began."""
    project.branch()
    project.write("news.md", "# News\n\nNone.\n")
    project.commit()
    project.git("switch", "--quiet", "main")
    project.remove("faq.md")
    project.commit()
    project.git("switch", "--quiet", "work")

    result = run_report(project.root, "--format", "json")

    assert [page["path"] for page in json.loads(result.stdout)["pages"]] == ["/news/"]
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param("a.md", "a/index.md", [("changed", "/a/", None)], id="same-address"),
        pytest.param("c/README.md", "c/index.md", [("changed", "/c/", None)], id="readme"),
        pytest.param("a.md", "b.md", [("renamed", "/a/", "/b/")], id="renamed"),
        pytest.param("a.md", "a.txt", [("deleted", "/a/", None)], id="no-page-any-more"),
        pytest.param("n.txt", "n.md", [("added", "/n/", None)], id="a-page-now"),
        pytest.param("a.md", ".hidden/a.md", [("deleted", "/a/", None)], id="excluded-by-mkdocs"),
        pytest.param("a.md", "draft/a.md", [("deleted", "/a/", None)], id="excluded-by-config"),
        pytest.param("draft/x.md", "draft/y.md", [], id="never-a-page"),
        pytest.param(
            "c/both.md",
            "c/index.md",
            [("changed", "/c/", None), ("deleted", "/c/both/", None)],
            id="takes-an-address",
        ),
        pytest.param("Käse & Co.md", "Öl.md", [("renamed", "/Käse & Co/", "/Öl/")], id="names"),
    ],
)
def test_addresses_are_those_of_mkdocs(
    tmp_path: Path, old: str, new: str, found: list[tuple[str, str, str | None]]
) -> None:
    """By its rules on directories, index, README, and what is excluded."""
    project = Project(tmp_path / "project")
    project.site.settings = {"exclude_docs": "/draft/"}
    for name in ("a.md", "c/README.md", "c/both.md", "draft/x.md", "n.txt", "Käse & Co.md"):
        project.write(name, f"# {name}\n\nThis is what there is to say about it, and no more.\n")
    project.branch()
    project.move(old, new)
    project.commit()

    pages = json.loads(run_report(project.root, "--format", "json").stdout)["pages"]

    assert sorted((page["change"], page["path"], page["newPath"]) for page in pages) == found


def test_addresses_without_directories(tmp_path: Path) -> None:
    """With ``use_directory_urls: false`` a page is a file."""
    project = Project(tmp_path / "project")
    project.site.settings = {"use_directory_urls": False}
    project.write("guide/a.md", "# A\n")
    project.branch()
    project.write("index.md", "# Changed\n")
    project.move("guide/a.md", "guide/b.md")
    project.redirect({"guide/a.md": "guide/b.md"})
    project.commit()

    pages = json.loads(run_report(project.root, "--format", "json").stdout)["pages"]

    assert [(page["path"], page["newPath"], page["redirect"]) for page in pages] == [
        ("/guide/a.html", "/guide/b.html", "/guide/b.html"),
        ("/", None, None),
    ]


@pytest.fixture
def blogging(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give the project, on a branch, with Material's blog and a post in it."""
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")
    project.site.settings = {"theme": "material"}
    project.site.plugins = ["blog"]
    project.write("blog/index.md", "# Blog\n")
    project.write("blog/posts/boil.md", "---\ndate: 2026-01-01\n---\n\n# Boil\n")
    project.branch()
    return project


def test_posts_whose_addresses_a_build_gives_are_left_out(blogging: Project) -> None:
    """Nothing is said about them, but how many there are."""
    blogging.remove("blog/posts/boil.md")
    blogging.commit()

    result = run_report(blogging.root)

    assert result.stdout == (
        f"{MARKER}No documentation page changes.\n\n"
        "1 post of the blog plugin is left out: only a build knows their addresses.\n"
    )
    assert result.exit_code == 0


def test_a_page_may_be_redirected_to_a_post(blogging: Project) -> None:
    """There is one, and mkdocs-redirects knows its address."""
    blogging.remove("faq.md", "news.md")
    blogging.redirect({"faq.md": "blog/posts/boil.md#so", "news.md": "blog/posts/gone.md"})
    blogging.commit()

    result = run_report(blogging.root)

    assert "deleted, redirected to <code>blog/posts/boil.md&#35;\u200bso</code>" in result.stdout
    assert result.stdout.count("**its redirect leads nowhere**") == 1
    assert result.exit_code == 0


HOSTILE = (
    "@ada fixes #12, GH-7 | `x` *b* _i_ [l](javascript:a) ![i](//x) https://x.example \\ $1$ &lt;"
)
SHOWN = (
    "&#64;\u200bada fixes &#35;\u200b12, GH\u200b-7 &#124; &#96;x&#96; &#42;b&#42; &#95;i&#95; "
    "&#91;l&#93;(javascript:a) !&#91;i&#93;(//x) https:\u200b//x.example &#92; &#36;1&#36; &#60;"
)


def test_a_title_is_text_and_nothing_else(project: Project, tracker: Process) -> None:
    """No markup, cell, link, mention or reference comes of it, and none that hides text."""
    project.branch()
    project.write("news.md", f"---\ntitle: >\n  {HOSTILE}\u202e <img src=x>\n---\n")
    project.write("faq.md", "# " + "x" * 200)
    project.commit()

    table = run_report(project.root).stdout.split(HEAD)[1]

    assert table.splitlines()[:2] == [
        f"| {'x' * 99}…<br>{_link(tracker, '/faq/')} | changed | 12 | 12 | 1 of 1 | 0 % |",
        f"| {SHOWN}<br>{_link(tracker, '/news/')} | changed | 3 | 3 | – | 0 % |",
    ]


def test_a_path_is_text_and_nothing_else(project: Project, tracker: Process) -> None:
    """The name of a file can hold nearly anything."""
    project.write("a|b`c)@x\n<i>.md", "# A\n")
    project.branch()
    project.write("a|b`c)@x\n<i>.md", "# A\n\nMore.\n")
    project.commit()

    table = run_report(project.root).stdout.split(HEAD)[1]

    path = "/a&#124;b&#96;c)&#64;\u200bx &#60;i&#62;/"
    link = _link(tracker, path, "/a%7Cb%60c%29%40x%0A%3Ci%3E/")
    assert table.splitlines()[0] == f"| A<br>{link} | changed | 0 | 0 | – | – |"


def test_a_comment_is_never_too_long(project: Project) -> None:
    """Fifty pages at most, and fewer where their names are long; all are judged."""
    for number in range(60):
        project.write(f"{'|' * 100}/{number:02}.md", "# " + "[" * 200)
    project.branch()
    project.git("rm", "-r", "--quiet", project.docs("|" * 100))
    project.commit()

    result = run_report(project.root)

    assert len(result.stdout) <= 60_000
    rows = result.stdout.count("\n| ") - 2
    assert 20 < rows < 50
    assert f"\n{60 - rows} more pages of this branch are not listed.\n" in result.stdout
    assert "60 pages with at most 10 readers in 30 days lose their addresses" in result.stdout


def test_nothing_to_say_is_said(project: Project, tmp_path: Path) -> None:
    """A branch that touches no page asks nobody."""
    project.branch()
    project.write("logo.svg", "<svg/>")
    (project.root / "README.md").write_text("# Not a page\n")
    project.commit()
    file = tmp_path / "report.md"

    result = run_report(project.root, "--tracker", _away(), "--strict", "--output", str(file))

    assert (result.exit_code, result.output) == (0, "")
    assert file.read_text(encoding="utf-8") == f"{MARKER}No documentation page changes.\n"


def _away() -> str:
    return f"http://127.0.0.1:{free_port()}"


def _branch_that_deletes(project: Project) -> None:
    project.branch()
    project.remove("faq.md")
    project.write("index.md", "# Kettle\n\nNew.\n")
    project.commit()


MISSING = (
    f"{MARKER}"
    "⚠️ 1 page loses its address without a redirect, "
    "and how many readers come there is not known.\n\n"
    f"{HEAD}"
    "| Questions<br><code>/faq/</code> | ⚠️ deleted, **no redirect** | ? | ? | ? | ? |\n"
    "| Kettle<br><code>/</code> | changed | ? | ? | ? | ? |\n\n"
    "⚠️ Figures are missing, the tracker could not be asked: {}.\n"
)


@pytest.mark.parametrize("strict", [False, True])
def test_without_the_tracker_the_report_says_so(project: Project, *, strict: bool) -> None:
    """It fails nothing, unless it is told to."""
    _branch_that_deletes(project)

    options = ("--strict",) if strict else ()
    result = run_report(project.root, "--tracker", _away(), *options)

    refused = f"&#91;Errno {errno.ECONNREFUSED}&#93; {os.strerror(errno.ECONNREFUSED)}"
    assert result.stdout == MISSING.format(refused)
    assert result.exit_code == int(strict)
    assert ("could not be asked" in result.stderr) == strict


def test_without_an_address_the_report_says_so(project: Project) -> None:
    """The plugin may be without a tracker."""
    project.site.options = {}
    _branch_that_deletes(project)

    result = run_report(project.root)

    assert result.stdout == MISSING.format("neither tracker&#95;url nor --tracker says where it is")
    assert result.exit_code == 0


def test_a_tracker_that_is_not_public_wants_a_token(project: Project, tmp_path: Path) -> None:
    """From the environment; what it refuses fails only where it is told to."""
    folder = tmp_path / "private"
    folder.mkdir()
    token = Keys(Keyring(folder / "stats.sqlite3.access")).make_token(
        "ci", "stats:read", "never", 0
    )
    _branch_that_deletes(project)
    tracker = start_tracker(folder, {"/faq/": Read(12)}, STATS_VISIBILITY="private")
    try:
        address = ("--tracker", _url(tracker) + "/")
        without = run_report(project.root, *address)
        wrong = run_report(project.root, *address, token="wrong")
        strict = run_report(project.root, *address, "--strict", token="wrong")
        right = run_report(project.root, *address, token=f"{token}\n")
        broken = run_report(project.root, *address, token="se\ncret")
    finally:
        tracker.stop()

    assert without.stdout == MISSING.format("it wants a token in MKDOCS&#95;STATS&#95;TOKEN (401)")
    assert wrong.stdout == MISSING.format(
        "it refuses the token in MKDOCS&#95;STATS&#95;TOKEN (401)"
    )
    assert broken.stdout == MISSING.format("the token has characters that no token has")
    assert (without.exit_code, wrong.exit_code, strict.exit_code) == (0, 0, 1)
    assert "| 12 | 12 |" in right.stdout
    assert right.exit_code == 1


def test_few_questions_are_asked(
    project: Project, tracker: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for a single page; else one for all, and one for each that was viewed, up to a bound.

    A page that is lost goes before others. One at the end tells who reads any of them now.
    """
    asked: list[str] = []
    ask = remote.ask

    def note(url: str, token: str, timeout_seconds: float) -> object:
        asked.append(url.removeprefix(_url(tracker)))
        return ask(url, token, timeout_seconds)

    monkeypatch.setattr(readership, "ask", note)
    monkeypatch.setattr(readership, "MAX_QUESTIONS", 2)
    project.branch()
    project.write("news.md", "# None\n")
    project.commit()
    run_report(project.root)
    single = asked.copy()
    asked.clear()
    for name in ("faq.md", "index.md", "guide/old.md", "guide/tune.md"):
        project.write(name, "# Changed\n")
    project.remove("news.md")
    project.commit()
    result = run_report(project.root)

    report, now = "/api/report?period=30d&limit=", "/api/stats?limit=1000"
    assert single == [f"{report}1&pages=1&page=/news/", now]
    assert asked == [
        f"{report}1&pages=1000",
        f"{report}1000&pages=1&page=/news/",
        f"{report}1&pages=1&page=/guide/tune/",
        now,
    ]
    assert [row.split(" | ")[-3:] for row in result.stdout.splitlines() if "<br>" in row] == [
        ["3", "–", "0 % |"],
        ["20", "–", "0 % |"],
        ["12", "?", "0 % |"],
        ["13", "?", "23 % |"],
        ["0", "–", "– |"],
    ]
    assert "of the last 30 days; ratings only of those with most readers.\n" in result.stdout


def test_a_base_that_is_only_at_the_origin_is_found(project: Project, tmp_path: Path) -> None:
    """As after a checkout of a pull request, which has no branch at all."""
    project.branch()
    project.remove("news.md")
    head = project.commit()
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", project.root, clone], check=True)
    for command in (["checkout", "--quiet", "--detach", head], ["branch", "-D", "work"]):
        subprocess.run(["git", "-C", clone, *command], check=True, capture_output=True)

    result = run_report(clone)

    assert "| ⚠️ deleted, **no redirect**<br>none of its views" in result.stdout
    assert " | 3 | 3 |" in result.stdout
    assert result.exit_code == 0


def test_a_shallow_clone_is_told_what_to_do(project: Project, tmp_path: Path) -> None:
    """Without the base, and without what the two have in common."""
    project.branch()
    project.remove("news.md")
    project.commit()
    project.git("switch", "--quiet", "main")
    project.write("faq.md", "# Other\n")
    project.commit()
    clone = tmp_path / "clone"
    shallow = ["git", "clone", "--quiet", "--depth", "1", f"file://{project.root}"]
    subprocess.run([*shallow, "--branch", "work", clone], check=True)

    without = run_report(clone)
    subprocess.run(
        ["git", "-C", clone, "fetch", "--quiet", "--depth", "1", "origin", "main:main"], check=True
    )
    apart = run_report(clone)

    hint = (
        ", because this clone is shallow: let actions/checkout have fetch-depth: 0, "
        "or run git fetch --unshallow\n"
    )
    assert without.stderr == f"Error: there is neither main nor origin/main here{hint}"
    assert apart.stderr == f"Error: main and HEAD have no commit in common{hint}"
    assert (without.exit_code, apart.exit_code) == (2, 2)
    assert without.stdout == apart.stdout == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(
            ("--base", "--all"), "there is neither --all nor origin/--all here", id="base"
        ),
        pytest.param(("--tracker", "ftp://x"), "Expected http://…", id="tracker"),
        pytest.param(("-f", "missing.yml"), "missing.yml", id="config"),
        pytest.param(("--output", "missing/report.md"), "No such file", id="output"),
        pytest.param(("--max-readers", "-1"), "-1 is not in the range", id="readers"),
    ],
)
def test_without_a_report_the_exit_code_is_another(
    project: Project, options: tuple[str, ...], said: str
) -> None:
    """2, and one line that says why."""
    project.branch()

    result = run_report(project.root, *options)

    assert result.exit_code == 2
    assert said in result.stderr


def test_outside_of_a_repository_there_is_no_report(project: Project) -> None:
    """Nor without a commit."""
    project.site.configure()
    empty = run_report(project.root)
    (project.root / ".git").rename(project.root / "kept")

    none = run_report(project.root)

    assert (empty.exit_code, none.exit_code) == (2, 2)
    assert empty.stderr.startswith("Error: git rev-parse: fatal: ")
    assert "not a git repository" in none.stderr


def test_the_command_is_installed_and_needs_no_tracker() -> None:
    """Its script is this module, which loads nothing of the tracker's package."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    module, _, name = project["scripts"]["mkdocs-stats"].partition(":")
    code = (
        f"import sys, {module}; print([m for m in sys.modules if m.startswith('tracker_server')])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    assert getattr(import_module(module), name) is main
    assert loaded.stdout == "[]\n"


@pytest.mark.parametrize("use_directory_urls", [True, False])
def test_pages_are_those_of_a_build(tmp_path: Path, *, use_directory_urls: bool) -> None:
    """Without one: whatever the files are called, the manifest of a build has the same paths."""
    site = Site(tmp_path)
    site.settings = {"use_directory_urls": use_directory_urls, "exclude_docs": "*.txt.md\n/c/d/"}
    names = [
        *("index.md", "a.md", "b.markdown", "UPPER.md", "a b.md", "Käse.md", "o\u0308l.md"),
        *(
            "c/README.md",
            "e/README.md",
            "e/index.md",
            "f.md",
            "f/index.md",
            "c/d/x.md",
            "k.md/l.md",
        ),
        *(".hidden.md", ".well/known.md", "templates/t.md", "c/templates/t.md", "note.txt.md"),
        *("100%.md", "q?.md", "h#.md", "z/index.html.md", "picture.svg", "plain.html"),
    ]
    for name in names:
        site.write(name)
    forget_plugins()

    pages = load_site(str(site.configure())).pages(names)

    assert sorted(pages) == sorted(site.build(strict=False).entries())
    assert pages["/e/"] == "e/index.md"


@given(text())
def test_escaped_text_is_shown_as_it_is(title: str) -> None:
    """Whatever it is, no sign of it is markup, and all that can be seen of it is there."""
    shown = escape(title)

    rest = re.sub(r"&#\d+;", "", shown)
    assert set(rest).isdisjoint("&<>[]`*_~|\\#@$\n\r")
    whole = unescape(shown).replace("\u200b", "")
    visible = [c for c in " ".join(title.split()) if category(c)[0] != "C" or c in "\u200c\u200d"]
    assert whole.removesuffix("…") in "".join(visible)
    assert len(whole) == min(len(visible), 100)


def test_pages_beyond_the_list_are_asked_for(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tracker lists so many pages and no more; what it then says nothing of is not known."""
    monkeypatch.setattr(readership, "MAX_LISTED", 2)
    project.branch()
    project.remove("news.md", "guide/old.md")
    project.commit()

    asked = run_report(project.root, "--max-readers", "2")
    monkeypatch.setattr(readership, "MAX_QUESTIONS", 0)
    unasked = run_report(project.root)
    strict = run_report(project.root, "--strict")

    assert "| ❌ deleted, **no redirect**<br>none of its views" in asked.stdout
    assert "| ⚠️ deleted, **no redirect** | 0 | 0 |" in asked.stdout
    assert unasked.stdout.startswith(
        f"{MARKER}⚠️ 2 pages lose their addresses without a redirect, "
        "and how many readers come there is not known.\n"
    )
    assert (asked.exit_code, unasked.exit_code, strict.exit_code) == (1, 0, 1)


class _Answers(BaseHTTPRequestHandler):
    """Answers for a tracker with what the test has set."""

    bodies: ClassVar[list[tuple[int, bytes]]] = []

    def do_GET(self) -> None:  # the name that the server calls
        """Give the next answer."""
        status, body = self.bodies.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_NAME = HOSTILE.replace("&lt;", "<")
_ROW = {"path": "/faq/", "visitors": 12, "views": 13, "pageLoads": 4, "completed": 1}
_LIST = json.dumps({"pages": [_ROW]}).encode()
_PAGE = {
    "visitors": 12,
    "views": 13,
    "visits": 9,
    "links": 1_234,
    "reading": {"pageLoads": 4, "completed": 1},
    "feedback": {"positive": 0, "negative": 0},
    "referrers": [{"referrer": "", "visits": 5}, {"referrer": _NAME, "visits": 4}],
}
_READERS = {"activeVisitors": 2, "activeByPath": [{"path": "/faq/", "visitors": 2}]}
_STATS = json.dumps(_READERS).encode()
_MISSING = "Figures are missing, the tracker could not be asked: {}.\n"
_UNSAID = "? of its views came from other sites, ? published pages link to it"


def _report_of_faq_gone(project: Project, bodies: list[tuple[int, bytes]], *options: str) -> Result:
    """Report on a branch without ``/faq/``, with these answers of a tracker."""
    project.branch()
    project.remove("faq.md")
    project.write("index.md", "# Kettle\n\nNew.\n")
    project.write("guide/extra.md", "# Extras\n")
    project.commit()
    handler = type("Handler", (_Answers,), {"bodies": bodies})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        result = run_report(project.root, "--tracker", url, *options)
        server.shutdown()
    assert bodies == []
    return result


@pytest.mark.parametrize(
    ("bodies", "figures", "problem", "code"),
    [
        pytest.param(
            [(200, _LIST), (503, b""), (200, _STATS)],
            f"<br>{_UNSAID} | 12 | 2 | 13 | ? | 25 %",
            "it answers 503 (Service Unavailable)",
            1,
            id="busy",
        ),
        pytest.param(
            [(200, _LIST), (200, b"[]"), (503, b"")],
            f"<br>{_UNSAID} | 12 | 13 | ? | 25 %",
            "its answer is not understood: list indices must be integers or slices, not str",
            1,
            id="another-answer",
        ),
        pytest.param(
            [(200, _LIST.replace(b"13", b"-13"))],
            " | ? | ? | ? | ?",
            "its answer is not understood: -13 is no count",
            0,
            id="no-count",
        ),
        pytest.param(
            [(200, b"<html>")],
            " | ? | ? | ? | ?",
            "its answer is not understood: Expecting value: line 1 column 1 (char 0)",
            0,
            id="no-tracker",
        ),
    ],
)
def test_what_was_answered_before_something_went_wrong_counts(
    project: Project, bodies: list[tuple[int, bytes]], figures: str, problem: str, code: int
) -> None:
    """The report has what is known, and says why that is not all."""
    result = _report_of_faq_gone(project, [*bodies])

    assert f"deleted, **no redirect**{figures} |\n" in result.stdout
    assert _MISSING.format(problem) in result.stdout
    assert result.exit_code == code


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param(
            {},
            f"4 of its views came from other sites ({SHOWN} 4), 1,234 published pages link to it",
            id="all",
        ),
        pytest.param(
            {"links": 0, "visits": 5, "referrers": [{"referrer": "", "visits": 5}]},
            "none of its views came from other sites, no published pages link to it",
            id="none",
        ),
        pytest.param(
            {"visits": 10},
            "? of its views came from other sites, 1,234 published pages link to it",
            id="not-all-sources",
        ),
        pytest.param(
            {"links": None, "referrers": [{"referrer": "x.example", "views": 9}]},
            _UNSAID,
            id="older-tracker",
        ),
    ],
)
def test_who_would_find_a_page_gone_is_told_as_far_as_it_is_known(
    project: Project, changed: dict[str, Any], said: str
) -> None:
    """Sources are names that strangers choose. A list that is cut does not pass for the whole."""
    page = json.dumps({**_PAGE, **changed}).encode()
    result = _report_of_faq_gone(project, [(200, _LIST), (200, page), (200, _STATS)])

    assert f"deleted, **no redirect**<br>{said} | 12 | 2 |" in result.stdout
    assert "could not be asked" not in result.stdout


def _pages(result: Result) -> dict[str, dict[str, Any]]:
    return {page["path"]: page for page in json.loads(result.stdout)["pages"]}


@pytest.mark.parametrize(
    ("status", "stats", "now"),
    [
        pytest.param(200, _READERS, {"/faq/": 2, "/": 0}, id="all-listed"),
        pytest.param(200, {**_READERS, "activeVisitors": 3}, {"/faq/": 2, "/": None}, id="cut"),
        pytest.param(200, {"activeVisitors": 2}, {"/faq/": None, "/": None}, id="older-tracker"),
        pytest.param(403, {}, {"/faq/": None, "/": None}, id="refused"),
    ],
)
def test_who_reads_now_is_not_known_where_it_is_not_told(
    project: Project, status: int, stats: dict[str, Any], now: dict[str, int | None]
) -> None:
    """Nobody is not the same as not listed; the other figures stay."""
    answers = [(200, _LIST), (200, json.dumps(_PAGE).encode())]
    bodies = [*answers, (status, json.dumps(stats).encode())]
    result = _report_of_faq_gone(project, bodies, "--format", "json")
    pages = _pages(result)

    assert {path: page["now"] for path, page in pages.items()} == {**now, "/guide/extra/": None}
    assert (pages["/faq/"]["readers"], pages["/faq/"]["fromElsewhere"]) == (12, 4)
    assert pages["/"]["sources"] is pages["/"]["links"] is None
    is_known = now["/faq/"] is not None
    assert (json.loads(result.stdout)["problem"] is None) == is_known


def test_who_reads_a_page_now_is_told_where_anybody_does(project: Project, tmp_path: Path) -> None:
    """In a column of its own, which is not there while nobody reads."""
    tracker = start_tracker(tmp_path / "live", {"/faq/": Read(12), "/news/": Read(3)})
    project.branch()
    project.remove("news.md")
    project.write("faq.md", "# Changed\n")
    project.write("guide/extra.md", "# Extras\n")
    project.commit()
    try:
        nobody = run_report(project.root, "--tracker", _url(tracker))
        _read_now(tracker, "/faq/", 2)
        read = run_report(project.root, "--tracker", _url(tracker))
        pages = _pages(run_report(project.root, "--tracker", _url(tracker), "--format", "json"))
    finally:
        tracker.stop()

    assert HEAD in nobody.stdout
    rows = [line for line in read.stdout.splitlines() if line.startswith("|")]
    assert rows[0] == "| Page | Change | Readers | Now | Views | Helpful | Read to the end |"
    assert rows[1] == "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    assert [row.split(" | ")[-5:-3] for row in rows[2:]] == [["3", "0"], ["12", "2"], ["–", "–"]]
    assert read.stdout.endswith(f"{ALL_KNOWN[:-2]}. Now: readers when this was written.\n")
    assert {path: page["now"] for path, page in pages.items()} == {
        "/news/": 0,
        "/faq/": 2,
        "/guide/extra/": None,
    }


def _read_now(tracker: Process, path: str, readers: int) -> None:
    """Let so many read a page, and wait until the tracker says so, within a second or so."""
    with closing(tracker.connect()) as connection:
        for number in range(readers):
            ids = {"s": session_id(number), "l": f"{number:032x}"}
            connection.request("POST", "/api/collect", json.dumps({"t": "view", "p": path, **ids}))
            answer = connection.getresponse()
            assert (answer.read(), answer.status) == (b"", 204)
        for _ in range(100):
            connection.request("GET", "/api/stats?limit=1000")
            if json.load(connection.getresponse())["activeVisitors"] == readers:
                return
            time.sleep(0.05)
    pytest.fail("nobody is said to read")
