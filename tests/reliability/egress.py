"""P24: a tracker asks nobody for anything, and nothing secret is the same for two.

A tracker that does all it can, and tests of tracker and plugin, run in a network namespace that has
nothing but the loopback interface. Each process notes whom it would talk to, and the kernel counts
what had no route, so that libraries and programs that are no Python are seen as well. Two trackers
then have keys of their own, for their owner alone, and no password to begin with.

``python -m tests.reliability.egress`` prints what was seen and PASS or FAIL. Where the system makes
no namespaces it says NOT RUN and FAIL; what the processes note is looked at all the same.
"""

import argparse
import fcntl
import http.client
import json
import os
import socket
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlencode

from tests.processes import ROOT, Process
from tests.reliability.promise import arguments, conclude
from tests.reliability.watched import CONTROL, NOTES, SERVER
from tests.server.conftest import CONTRACT, session_id
from tracker_server.policy import POLICIES

TESTS = (
    *("tests/server/test_cli.py", "tests/server/test_pages.py", "tests/server/test_embeds.py"),
    *("tests/server/test_demo_data.py", "tests/server/test_keys.py"),
    *("tests/server/test_manifest.py", "tests/server/test_enrich.py", "tests/plugin/test_build.py"),
)
"""Of each part that might ask somebody; those on PostgreSQL, which is no part of this, left out."""
GUESSES = ("admin", "password", "changeme", "onlyusethisindev", "nobody has this password")
"""As many as may be tried in a minute."""
TOKEN = "a-token-for-the-tests"
NAMESPACES = (("unshare", "--net"), ("unshare", "--map-root-user", "--net"))
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


@dataclass(slots=True)
class Outcome:
    """What was seen."""

    is_cut_off: bool
    """Whether there was a namespace without a way out."""
    noted: list[str]
    """What the processes noted."""
    without_route: int
    """How often something was to be sent and there was no way, by the kernel's count."""
    asked: int
    """How many requests the tracker answered."""
    tests: str
    """The last line of the tests."""
    tests_passed: bool
    secrets: list[str]
    """What was wrong with keys and passwords."""

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        quiet = not self.noted and not self.without_route
        return quiet and self.tests_passed and not self.secrets and self.asked > 0

    def __str__(self) -> str:
        where = "no way out of the namespace" if self.is_cut_off else "NOT RUN without a way out"
        noted = (
            f"{len(self.noted)} noted by processes ({', '.join(sorted(set(self.noted))) or '-'})"
        )
        return (
            f"{where}; {noted}, {self.without_route} without a route; {self.asked} requests; "
            f"tests: {self.tests}; secrets: {'; '.join(self.secrets) or 'ok'}"
        )


def run(folder: Path, tests: tuple[str, ...], *, control: bool = False) -> Outcome:
    """Run everything in a namespace of its own, where the system has them.

    Args:
        folder: an empty one.
        tests: files.
        control: let the tracker ask a server for its newest version.
    """
    prefix = next((p for p in NAMESPACES if _works(p)), ())
    result = folder / "outcome.json"
    command = [*prefix, sys.executable, "-m", "tests.reliability.egress"]
    command += ["--inside", str(result), "--tests", *tests]
    command += ["--cut-off"] if prefix else []
    command += ["--control"] if control else []
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    return Outcome(**json.loads(result.read_text()))


def _works(prefix: tuple[str, ...]) -> bool:
    try:
        tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    except OSError:
        return False
    return tried.returncode == 0


def run_inside(folder: Path, tests: list[str], *, is_cut_off: bool, control: bool) -> Outcome:
    """Do all of it here."""
    notes = folder / "notes.txt"
    notes.touch()
    if is_cut_off:
        _raise_loopback()
        _check_that_there_is_no_way_out()
    before = _count_without_route()
    variables = {NOTES: str(notes), **({CONTROL: "1"} if control else {})}
    asked = _use_a_tracker(folder / "a", variables)
    secrets = [] if control else [*_check_secrets(folder / "a", folder / "b", variables)]
    said, passed = _run_tests(tests, str(notes)) if tests else ("none", True)
    without_route = _count_without_route() - before if is_cut_off else 0
    noted = notes.read_text().splitlines()
    return Outcome(is_cut_off, noted, without_route, asked, said, passed, secrets)


def _raise_loopback() -> None:
    with closing(socket.socket()) as some:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(some, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(some, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def _check_that_there_is_no_way_out() -> None:
    """And that the kernel counts who looks for one, or else 0 would say nothing."""
    before = _count_without_route()
    with closing(socket.socket()) as some:
        assert some.connect_ex((SERVER, 443)) != 0
    assert _count_without_route() == before + 1


def _count_without_route() -> int:
    """Return how many packets of this namespace had nowhere to go, of both kinds of IP."""
    names, values = (
        line.split()
        for line in Path("/proc/net/snmp").read_text().splitlines()
        if line[:3] == "Ip:"
    )
    version_4 = int(values[names.index("OutNoRoutes")])
    file = Path("/proc/net/snmp6")
    lines = file.read_text().splitlines() if file.exists() else []
    version_6 = (int(line.split()[1]) for line in lines if line.startswith("Ip6OutNoRoutes"))
    return version_4 + sum(version_6)


def _use_a_tracker(folder: Path, variables: dict[str, str]) -> int:
    """Have a tracker do all it can; return how many requests it answered."""
    folder.mkdir()
    process = _start(folder, variables)
    try:
        with closing(process.connect()) as connection:
            return sum(1 for _ in _ask_everything(connection))
    finally:
        process.stop()


def _start(folder: Path, variables: dict[str, str]) -> Process:
    process = Process(
        folder,
        f"sqlite:///{folder}/stats.sqlite3",
        "tests.reliability.watched",
        STATS_MANIFEST_TOKEN=TOKEN,
        **variables,
    )
    process.wait_until_it_serves()
    return process


def _ask_everything(connection: http.client.HTTPConnection) -> Iterator[int]:
    """Send each kind of message and ask each route, with names and addresses to look up in them."""
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    manifest = (CONTRACT / "manifest.json").read_bytes()
    yield _ask(connection, "PUT", "/api/manifest", manifest, bearer)
    headers = {
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Origin": "https://kettle.example",
        "X-Forwarded-For": "203.0.113.9",
    }
    for number, kind in enumerate(("view", "beat", "leave", "event")):
        message = {
            "t": kind,
            "p": "/",
            "l": f"{number:032x}",
            "r": "https://news.example.co.uk/path",
            "n": "outbound",
            "u": "https://elsewhere.example/x",
            "z": "Europe/Vienna",
            **({"s": session_id(number)} if number % 2 else {}),
        }
        yield _ask(connection, "POST", "/api/collect", json.dumps(message).encode(), headers)
    for rule, policy in POLICIES.items():
        path = rule.replace("<secret>", "x").replace("<path:filename>", "stats.js")
        for method in sorted(policy.methods - {"PUT", "POST"}):
            if (rule, method) != ("/api/live", "GET"):
                yield _ask(connection, method, f"{path}?path=/&referrer=news.example.co.uk")


def _ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> int:
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    answer.read()
    assert answer.status < 500, (method, path, answer.status)
    return answer.status


def _check_secrets(first: Path, second: Path, variables: dict[str, str]) -> Iterator[str]:
    """Compare what is secret of two trackers."""
    _use_a_tracker(second, variables)
    for name in ("stats.sqlite3.access", "stats.sqlite3.salts"):
        files = [folder / name for folder in (first, second)]
        if not all(file.exists() for file in files):
            yield f"{name} was not made"
            continue
        if files[0].read_bytes() == files[1].read_bytes():
            yield f"{name} is the same for two"
        for file in (file for file in files if stat.S_IMODE(file.stat().st_mode) != 0o600):
            yield f"{file} is readable for others"
    process = _start(second, variables)
    try:
        for guess in GUESSES:
            if _sign_in(process, guess) != 401:
                yield f"{guess!r} signs in"
    finally:
        process.stop()


def _sign_in(process: Process, password: str) -> int:
    with closing(process.connect()) as connection:
        connection.request("GET", "/sign-in")
        answer = connection.getresponse()
        form = answer.read().decode().partition('name="form" value="')[2].partition('"')[0]
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        body = urlencode({"form": form, "password": password}).encode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": cookie,
            "Sec-Fetch-Site": "same-origin",
        }
        return _ask(connection, "POST", "/sign-in", body, headers)


def _run_tests(tests: list[str], notes: str) -> tuple[str, bool]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.reliability.watched"]
    command += ["-k", "not postgresql", *tests]
    environment = {**os.environ, NOTES: notes, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stdout[-5_000:], done.stderr[-2_000:], sep="\n")
    return done.stdout.strip().splitlines()[-1], done.returncode == 0


def main() -> None:
    """Run from the command line."""
    parser = arguments(__doc__, "let the tracker ask somebody")
    parser.add_argument("--tests", nargs="*", default=None)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cut-off", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.inside:
            seen = run_inside(
                Path(folder), options.tests, is_cut_off=options.cut_off, control=options.control
            )
            options.inside.write_text(json.dumps(asdict(seen)))
            return
        tests = () if options.control else TESTS if options.tests is None else tuple(options.tests)
        outcome = run(Path(folder), tests, control=options.control)
    if not outcome.is_cut_off:
        print("\033[31mNOT RUN: this system makes no network namespaces.\033[0m")
    conclude("P24", outcome, passed=outcome.passed and outcome.is_cut_off)


if __name__ == "__main__":
    main()
