"""Figures on a terminal: a report, and one that is drawn anew each second."""

import fcntl
import http.client
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.processes import ROOT, Process
from tests.server.conftest import CONTRACT, NOON, MakeSite, session_id
from tracker_server.cli import main
from tracker_server.config import Settings
from tracker_server.demo_data import fill
from tracker_server.keyring import Keyring, keyring_file
from tracker_server.keys import Keys
from tracker_server.terminal import Style, cells_of, fit, printable, render_live, render_report

MANIFEST = CONTRACT / "manifest.json"
REPORT = json.loads((CONTRACT / "report.json").read_text())
STATS = json.loads((CONTRACT / "stats.json").read_text())
PLAIN = Style(width=80)
ESCAPE = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")
PATIENCE_SECONDS = 15.0
ENTERED, LEFT = "\x1b[?1049h", "\x1b[?1049l"


def _environment(url: str, **variables: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("STATS_", "NO_COLOR"))}
    own = {"STATS_DATABASE_URL": url, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "COLUMNS": "100"}
    return inherited | own | variables


def _stats(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command here: to start a process takes ten times as long."""
    unset = dict.fromkeys(name for name in os.environ if name.startswith("STATS_"))
    command = ["stats", *arguments]
    result = CliRunner(env=unset | _environment(url)).invoke(main, command)
    return subprocess.CompletedProcess(command, result.exit_code, result.stdout, result.stderr)


def _run_process(url: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tracker_server", *arguments],
        env=_environment(url, **more),
        capture_output=True,
        text=True,
        check=False,
    )


class Terminal:
    """A command on a terminal of its own."""

    def __init__(
        self, url: str, *arguments: str, size: tuple[int, int] = (24, 80), **more: str
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self._slave = slave
        self.before = termios.tcgetattr(slave)
        environment = _environment(url, **more)
        del environment["COLUMNS"]
        environment["LINES"] = "24"  # Out of date, as a shell may leave it.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tracker_server", *arguments],
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            # So that Ctrl+C typed on this terminal is a signal.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  # no threads
        )
        self.raw = ""

    @property
    def settings(self) -> list[Any]:
        """How the terminal is set now."""
        return termios.tcgetattr(self._slave)

    @property
    def frames(self) -> list[str]:
        """What was drawn, each time."""
        return [ESCAPE.sub("", frame).replace("\r", "") for frame in self.raw.split("\x1b[H")[1:]]

    def wait_for(self, condition: Callable[[str], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Read until all that was written fulfils a condition."""
        end = time.monotonic() + seconds
        while not condition(self.raw):
            assert time.monotonic() < end, f"waited in vain; there is {self.raw[-2_000:]!r}"
            if select.select([self._master], [], [], 0.1)[0]:
                self.raw += os.read(self._master, 65_536).decode(errors="replace")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def resize(self, lines: int, columns: int) -> None:
        """Change the size of the window."""
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def kill(self, number: signal.Signals) -> None:
        """Send the command a signal."""
        self._process.send_signal(number)

    def end(self) -> int:
        """Wait for its end and read what is left; returns the exit code."""
        code = self._process.wait(PATIENCE_SECONDS)
        while select.select([self._master], [], [], 0.1)[0]:
            self.raw += os.read(self._master, 65_536).decode(errors="replace")
        return code

    def close(self) -> None:
        """End what still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def filled(make_site: MakeSite, database_url: str) -> str:
    """Return the address of a database with a few views; no tracker has it."""
    site = make_site(manifest=str(MANIFEST))
    site.clock.now = time.time()
    for reader in range(5):
        site.view("/guide/install/", reader, r="https://search.example/?q=x", z="Europe/Vienna")
    site.view("/", 0)
    site.tracker.close()
    return database_url


@pytest.fixture
def open_terminal() -> Iterator[Callable[..., Terminal]]:
    """Return what runs commands on terminals; all are closed at the end."""
    opened: list[Terminal] = []

    def run(url: str, *arguments: str, **more: Any) -> Terminal:
        opened.append(Terminal(url, *arguments, **more))
        return opened[-1]

    yield run
    for terminal in opened:
        terminal.close()


def test_stats_reports_what_was_read(filled: str) -> None:
    """Figures, pages with titles, sources and countries; no colours where nobody looks."""
    result = _run_process(filled, "stats")

    assert (result.returncode, result.stderr) == (0, "")
    for line in (
        r"6 views",
        r"5 visitors",
        r"Install +/guide/install/ .* 5 +5",
        r"search.example +5",
    ):
        assert re.search(line, result.stdout), result.stdout
    assert re.search(r"AT +5", result.stdout)
    assert "\x1b" not in result.stdout
    assert "demo" not in result.stdout
    assert max(map(cells_of, result.stdout.splitlines())) <= 100


def test_stats_has_versions_where_there_are_some(make_site: MakeSite, database_url: str) -> None:
    """The one with most views first, and no more than the rows that are asked for."""
    site = make_site()
    site.clock.now = time.time()
    site.view("/", 0)
    before = _stats(database_url)
    for reader, version in enumerate(["latest", "1.2", "latest", "1.1", "latest", "1.2"], 1):
        site.view("/", reader, k=f"https://x.example/{version}/assets/mkdocs-stats/t.js")
    site.tracker.close()
    after = _stats(database_url, "--rows", "2")

    assert (before.returncode, after.returncode) == (0, 0)
    assert "Devices" in before.stdout
    assert "Versions" not in before.stdout
    start = after.stdout.index("Versions")
    rows = [line.split() for line in after.stdout[start:].splitlines()[:4]]
    assert rows == [["Versions", "views"], ["latest", "3"], ["1.2", "2"]]
    of_one = _stats(database_url, "--period", "all", "--version", "1.2", "--json")
    assert json.loads(of_one.stdout)["views"] == 2


def test_stats_prints_the_report_as_json(filled: str) -> None:
    """What a program reads is the answer of the interface."""
    report = json.loads(_stats(filled, "--json", "--rows", "1", "--period", "7d").stdout)

    assert report["views"] == 6
    assert [row["path"] for row in report["pages"]] == ["/guide/install/"]
    assert len(report["series"]["views"]) == 7


def test_stats_reports_on_one_page(filled: str) -> None:
    """Its figures and no other's."""
    result = _stats(filled, "--page", "/", "--period", "today")

    assert "page /" in result.stdout.splitlines()[0]
    assert re.search(r" 1 views", result.stdout)


@pytest.mark.parametrize("period", ["today", "7d", "30d", "90d", "12m", "all"])
def test_stats_has_periods(filled: str, period: str) -> None:
    """Each has the views of today."""
    assert re.search(r" 6 views", _stats(filled, "--period", period).stdout)


@pytest.mark.sqlite_only("what is wrong is not the database")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["--period", "8d"], 2, "'8d' is not one of", id="period"),
        pytest.param(["--page", "x"], 1, "page: must start with /", id="page"),
        pytest.param(["--database-url", "sqlite:////no/such.db"], 1, "no such file", id="file"),
    ],
)
def test_stats_says_what_is_wrong(filled: str, arguments: list[str], code: int, said: str) -> None:
    """One line, and no report."""
    result = _stats(filled, *arguments)

    assert (result.returncode, result.stdout) == (code, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.sqlite_only("the terminal is what it is about")
def test_stats_has_colours_on_a_terminal_only(
    filled: str, open_terminal: Callable[..., Terminal]
) -> None:
    """And not for those who want none."""
    coloured, plain = (
        open_terminal(filled, "stats", **variables) for variables in ({}, {"NO_COLOR": "1"})
    )
    assert (coloured.end(), plain.end()) == (0, 0)

    assert "\x1b[1m" in coloured.raw
    assert "\x1b" not in plain.raw
    assert ESCAPE.sub("", coloured.raw) == plain.raw


@pytest.mark.sqlite_only("the terminal is what it is about")
@pytest.mark.parametrize(
    "command",
    [("stats", "--json"), ("report", "never-read", "--csv"), ("report", "stale", "--json")],
)
def test_what_is_for_programs_commands_no_terminal(
    make_site: MakeSite,
    database_url: str,
    open_terminal: Callable[..., Terminal],
    tmp_path: Path,
    command: tuple[str, ...],
) -> None:
    """A title has what a terminal obeys and what hides other text; a program gets it as it is."""
    title = "\x9b31m \u202e red"
    manifest = json.loads(MANIFEST.read_text())
    manifest["pages"] = [
        page | {"title": title, "created": "2020-01-01", "updated": "2020-01-01"}
        for page in manifest["pages"]
    ]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    site = make_site(manifest=str(tmp_path / "manifest.json"))
    site.clock.now = time.time()
    # Each page is viewed, or none of them.
    for page in manifest["pages"] if "never-read" not in command else []:
        site.view(page["path"])
    site.tracker.close()
    terminal = open_terminal(database_url, *command)

    assert terminal.end() == 0
    assert "?31m ? red" in terminal.raw
    assert not {"\x9b", "\u202e"} & {*terminal.raw}
    assert title in _run_process(database_url, *command).stdout


@pytest.mark.sqlite_only("the terminal is what it is about")
def test_stats_without_unicode_is_ascii(filled: str) -> None:
    """A terminal that knows no block characters gets others."""
    result = _run_process(filled, "stats", PYTHONUTF8="0", PYTHONIOENCODING="ascii")

    assert result.returncode == 0, result.stderr
    assert result.stdout.isascii()
    assert "#" in result.stdout


@pytest.mark.sqlite_only("the mark is the same everywhere")
def test_stats_says_that_figures_are_made_up(database_url: str) -> None:
    """In the second line."""
    fill(Settings(database_url=database_url), MANIFEST, NOON, seed=1, days=2)

    assert "made up" in _stats(database_url).stdout.splitlines()[1]


def _send_view(tracker: Process, reader: int) -> None:
    message = {"t": "view", "s": session_id(reader), "l": f"{reader:032x}", "p": "/guide/install/"}
    with closing(tracker.connect()) as connection:
        connection.request("POST", "/api/collect", json.dumps(message))
        assert connection.getresponse().status == http.client.NO_CONTENT


@pytest.fixture
def tracker(tmp_path: Path, database_url: str) -> Iterator[Process]:
    """A real tracker."""
    process = Process(tmp_path, database_url, STATS_MANIFEST=str(MANIFEST))
    process.wait_until_it_serves()
    yield process
    process.stop()


@pytest.mark.parametrize("by_url", [True, False], ids=["url", "database"])
def test_top_follows_a_running_tracker(
    tracker: Process,
    database_url: str,
    open_terminal: Callable[..., Terminal],
    *,
    by_url: bool,
) -> None:
    """A new reader shows within two seconds or so, and q gives the terminal back."""
    where = ["--url", f"http://127.0.0.1:{tracker.port}"] if by_url else []
    terminal = open_terminal(database_url, "top", *where)
    terminal.wait_for(lambda _: bool(terminal.frames) and "0 reading now" in terminal.frames[-1])
    drawn_on = terminal.settings
    _send_view(tracker, 1)
    terminal.wait_for(lambda _: "1 reading now" in terminal.frames[-1], 4)
    _send_view(tracker, 2)
    terminal.wait_for(lambda _: bool(re.search(r"Install.* 2\b", terminal.frames[-1])), 4)
    terminal.type("xq")

    assert terminal.end() == 0
    assert drawn_on != terminal.before
    assert terminal.settings == terminal.before
    assert terminal.raw.count(ENTERED) == terminal.raw.count(LEFT) == 1
    assert terminal.raw.index(ENTERED) < terminal.raw.index("\x1b[H")
    assert "\x1b[?25h" in terminal.raw.rpartition("\x1b[H")[2]


@pytest.mark.sqlite_only("who may see is not in the database")
def test_top_carries_a_token_to_a_tracker_that_is_not_public(
    tmp_path: Path, database_url: str, open_terminal: Callable[..., Terminal]
) -> None:
    """Out of a file: an argument could be read by others."""
    tracker = Process(tmp_path, database_url, STATS_VISIBILITY="private")
    tracker.wait_until_it_serves()
    file = tmp_path / "token.txt"
    keys = Keys(Keyring(keyring_file(Settings(database_url=database_url))))
    file.write_text(keys.make_token("top", "stats:read", "never", 0) + "\n")
    where = ["--url", f"http://127.0.0.1:{tracker.port}"]
    refused = open_terminal(database_url, "top", *where)
    code = refused.end()
    terminal = open_terminal(database_url, "top", *where, "--token-file", str(file))
    terminal.wait_for(lambda _: bool(terminal.frames) and "0 reading now" in terminal.frames[-1])
    terminal.type("q")
    tracker.stop()

    assert code == 1
    assert "answered 401" in refused.raw
    assert terminal.end() == 0


@pytest.mark.sqlite_only("the terminal is what it is about")
@pytest.mark.parametrize(
    ("end", "code"),
    [
        pytest.param(lambda terminal: terminal.type("\x03"), 0, id="ctrl-c"),
        pytest.param(lambda terminal: terminal.type("\x04"), 0, id="ctrl-d"),
        pytest.param(lambda terminal: terminal.kill(signal.SIGTERM), 143, id="terminate"),
    ],
)
def test_top_gives_the_terminal_back_however_it_ends(
    filled: str,
    open_terminal: Callable[..., Terminal],
    end: Callable[[Terminal], None],
    code: int,
) -> None:
    """The cursor, the screen and the keys are as they were, and nothing is said."""
    terminal = open_terminal(filled, "top")
    terminal.wait_for(lambda raw: "\x1b[H" in raw)
    end(terminal)

    assert terminal.end() == code
    assert terminal.settings == terminal.before
    assert LEFT in terminal.raw
    assert terminal.raw.endswith(LEFT)


@pytest.mark.sqlite_only("the terminal is what it is about")
def test_top_keeps_the_figures_while_the_tracker_is_away(
    tracker: Process, database_url: str, open_terminal: Callable[..., Terminal]
) -> None:
    """It says since when they are old."""
    _send_view(tracker, 1)
    url = f"http://127.0.0.1:{tracker.port}"
    terminal = open_terminal(database_url, "top", "--url", url, size=(24, 120))
    terminal.wait_for(lambda _: bool(terminal.frames) and "1 reading now" in terminal.frames[-1])
    tracker.stop()
    terminal.wait_for(lambda _: "not readable since" in terminal.frames[-1])
    terminal.type("q")

    assert terminal.end() == 0
    assert "1 reading now" in terminal.frames[-1]
    assert url in terminal.frames[-1]


@pytest.mark.sqlite_only("the terminal is what it is about")
def test_top_fits_the_window(filled: str, open_terminal: Callable[..., Terminal]) -> None:
    """Also after it was made smaller; the last line says how to end it."""
    terminal = open_terminal(filled, "top", size=(30, 100))
    terminal.wait_for(lambda _: bool(terminal.frames) and "quits" in terminal.frames[-1])
    large = terminal.frames[-1].split("\n")
    terminal.resize(12, 50)
    terminal.wait_for(lambda _: len(terminal.frames[-1].split("\n")) == 12)
    terminal.wait_for(lambda _: "quits" in terminal.frames[-1])
    small = terminal.frames[-1].split("\n")
    terminal.type("q")

    assert terminal.end() == 0
    assert len(large) == 30
    assert max(map(cells_of, small)) <= 50
    assert "quits" in small[-1]


@pytest.mark.sqlite_only("the terminal is what it is about")
@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("http://127.0.0.1:9", "refused", id="nobody"),
        pytest.param("ftp://a.example", "must begin with http", id="scheme"),
    ],
)
def test_top_says_what_it_cannot_read(
    filled: str, open_terminal: Callable[..., Terminal], url: str, said: str
) -> None:
    """One line on the terminal as it is, and exit code 1."""
    terminal = open_terminal(filled, "top", "--url", url)

    assert terminal.end() == 1
    assert said in terminal.raw
    assert ENTERED not in terminal.raw
    assert "Traceback" not in terminal.raw


@pytest.mark.sqlite_only("the terminal is what it is about")
def test_top_needs_a_terminal(filled: str) -> None:
    """A file full of escape sequences is of no use to anybody."""
    result = _run_process(filled, "top")

    assert (result.returncode, result.stdout) == (2, "")
    assert "tracker-server stats" in result.stderr


def test_nothing_from_outside_reaches_the_terminal_as_a_command() -> None:
    """Titles, paths and referrers may hold anything."""
    evil = "a\x1b]0;owned\x07\x9b31m\u202eb\u2028\nc"
    page = {**REPORT["pages"][0], "path": evil, "title": evil}
    report = {
        **REPORT,
        "filters": {"page": evil},
        "pages": [page],
        "referrers": [{"referrer": evil, "visits": 1}],
        "versions": [{"version": evil, "views": 1}],
    }
    stats = {
        **STATS,
        "activeByPath": [{**STATS["activeByPath"][0], "path": evil, "title": None}],
        "pageStats": [{**STATS["pageStats"][0], "title": evil}],
    }
    text = render_report(report, PLAIN, 9, demo=False) + render_live(stats, PLAIN, 60, "state")

    assert text.count("owned") >= 5
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", text)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("colours", [True, False])
def test_report_fits_any_width(width: int, *, colours: bool) -> None:
    """No line is wider than the terminal, colours or not; wide letters count twice."""
    page = {**REPORT["pages"][0], "title": "\u6c34\u58f6" * 40, "path": "/" + "w" * 300}
    report = {**REPORT, "pages": [page, *REPORT["pages"]]}
    text = ESCAPE.sub("", render_report(report, Style(width, colours=colours), 9, demo=True))

    assert max(map(cells_of, text.splitlines())) <= max(40, min(width, 120))
    assert "\u6c34" in text


def test_report_without_any_view_has_no_lists() -> None:
    """A new tracker is no error."""
    empty = {
        **REPORT,
        "views": 0,
        "visitors": 0,
        "before": None,
        "pages": [],
        "referrers": [],
        "countries": [],
        "devices": [],
        "browsers": [],
        "series": {**REPORT["series"], "views": [0, 0, 0], "starts": ["a", "b", "c"]},
    }
    text = render_report(empty, PLAIN, 9, demo=False)

    assert " 0 views" in text
    assert "Pages" not in text


@pytest.mark.parametrize(
    ("text", "cells", "fitted"),
    [
        ("abc", 5, "abc  "),
        ("abcdef", 4, "abc~"),
        ("\u6c34\u58f6", 4, "\u6c34\u58f6"),
        ("\u6c34\u58f6x", 4, "\u6c34~ "),
        ("e\u0301e", 2, "e\u0301e"),
    ],
)
def test_fit_cuts_by_cells(text: str, cells: int, fitted: str) -> None:
    """Wide letters take two cells, accents none."""
    assert fit(text, cells) == fitted
    assert cells_of(fitted) == cells


def test_printable_keeps_letters_of_all_scripts() -> None:
    """Only what is no letter, sign or space is replaced."""
    assert printable("K\u00e4se \u6c34 \u0645\u0631\u062d\u0628\u0627\u00a0x") == (
        "K\u00e4se \u6c34 \u0645\u0631\u062d\u0628\u0627 x"
    )


@pytest.mark.sqlite_only("filters are the report's")
def test_stats_takes_the_filters_of_the_report(filled: str) -> None:
    """They are combined, said in the first line, and may be empty for what was not said."""
    some = _stats(filled, "--country", "AT", "--referrer", "search.example")
    rest = _stats(filled, "--referrer", "")

    assert "referrer search.example, country AT" in some.stdout.splitlines()[0]
    assert re.search(r" 5 views", some.stdout)
    assert "referrer unknown" in rest.stdout.splitlines()[0]
    assert re.search(r" 1 views", rest.stdout)


@pytest.mark.sqlite_only("the comparison is the report's")
def test_stats_compares_with_the_time_before(make_site: MakeSite, database_url: str) -> None:
    """The change of each figure, and the days that it is against."""
    site = make_site()
    site.clock.now = time.time() - 86_400
    site.view("/", 1)
    site.view("/", 2)
    site.clock.now = time.time()
    for reader in range(3):
        site.view("/", reader)
    site.tracker.close()
    lines = _stats(database_url, "--period", "today", "--compare").stdout.splitlines()

    assert lines[1].startswith("against ")
    assert any(re.fullmatch(r" +3 views  \+50%", line) for line in lines)


def test_a_report_of_a_page_has_its_sections() -> None:
    """All of them, indented by level; none where nobody said what was in view."""
    sections = json.loads((CONTRACT / "sections.json").read_text())
    text = render_report(REPORT | {"sections": sections}, Style(80), 2, demo=False)
    start = text.index("Sections")
    lines = text[start:].splitlines()[:6]

    assert [line.split()[-3:] for line in lines] == [
        ["reached", "seconds", "stopped"],
        ["100%", "10.0", "25%"],
        ["75%", "2.0", "50%"],
        ["25%", "4.5", "25%"],
        ["0%", "0.0", "0%"],
        ["2%", "1.5", "0%"],
    ]
    assert lines[4].startswith("    Build ")
    assert max(map(cells_of, lines)) <= 80
    unread = [row | {"stops": 0, "share": None} for row in sections]
    for rows in (None, [], unread):
        assert "Sections" not in render_report(
            REPORT | {"sections": rows}, Style(80), 2, demo=False
        )
