"""The promises, each with its number and the script that puts it to the test."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One line of ``docs/promises.md``."""

    number: str
    sentence: str
    target: str
    """What is to be reached."""
    script: tuple[str, ...]
    """A module with a `main` that ends with `promise.conclude`, and its arguments."""
    long: tuple[str, ...] = ()
    """More arguments, for the numbers of a release."""
    control: tuple[str, ...] = ()
    """The same over a tracker that breaks the promise: it must say FAIL."""
    control_is: str = ""
    """How the tracker of the control breaks it."""


PROMISES = (
    Promise(
        number="P1",
        sentence="Every view that was answered with 204 survives a crash of the process, and counts once",
        target="0 lost, 0 invented, 0 twice in 300 kills",
        script=("tests.reliability.kill",),
        long=("--cycles", "5000"),
        control=("tests.reliability.kill", "--cycles", "5", "--control"),
        control_is="answers first, and writes 50 ms later",
    ),
    Promise(
        number="P2",
        sentence="Every view that was answered with 204 survives a power cut, where the disk honours a flush",
        target="0 lost, 0 corrupt in 50,000 states that a power cut can leave (100,000 for a release)",
        script=("tests.reliability.power",),
        long=("--states", "100000"),
        control=("tests.reliability.power", "--states", "2000", "--control"),
        control_is="runs with `STATS_SYNCHRONOUS=normal`; and a view is taken out of states that are right",
    ),
    Promise(
        number="P5",
        sentence="A full disk is an outage of writes only, and ends by itself",
        target="50 times full: 503, pages and pruning go on, stored again within 2 s, 0 lost, 0 corrupt",
        script=("tests.reliability.full",),
    ),
    Promise(
        number="P6",
        sentence="A flush that fails is never reported as a success, and a retry counts once",
        target="each of the first 200 flushes: 503, `/readyz` red, 0 twice; 0 lost in 4,000 power cuts",
        script=("tests.reliability.fsync",),
        control=("tests.reliability.fsync", "--failures", "50", "--states", "1000", "--control"),
        control_is="is not told that a flush failed",
    ),
    Promise(
        number="P7",
        sentence="No input is answered with 5xx, and none is kept by one database and not by the other",
        target="0 of 200,000 forged requests (SQLite and PostgreSQL side by side), and of 10,000 over sockets",
        script=("tests.reliability.input",),
        long=("--requests", "1000000", "--over-sockets", "50000"),
        control=("tests.reliability.input", "--requests", "2000", "--control"),
        control_is="catches what `json.loads` is documented to raise, and no more",
    ),
    Promise(
        number="P8",
        sentence="No stored value changes the structure of a page, a picture, a stream, a log or a terminal",
        target="0 of 20,000 renders",
        script=("tests.reliability.structure",),
        long=("--renders", "500000"),
        control=("tests.reliability.structure", "--renders", "1000", "--control"),
        control_is="takes a name for markup (`|safe` in one template)",
    ),
    Promise(
        number="P9",
        sentence="The size of a tracker is bounded, whatever paths, referrers, campaigns and agents are invented",
        target="200,000 invented paths, 20,000 of all else: 5 MiB on the disk and 64 MiB of memory more than the same views of one page",
        script=("tests.reliability.cardinality",),
        long=("--paths", "10000000", "--others", "1000000", "--over-http", "200000"),
        control=(
            "tests.reliability.cardinality",
            "--paths",
            "50000",
            "--over-http",
            "1000",
            "--control",
        ),
        control_is="keeps every unknown path",
    ),
    Promise(
        number="P10",
        sentence="A flood from one network leaves the others alone",
        target="at 2,000 messages a second: 99 % of the others' views stored, 99 % within 100 ms",
        script=("tests.reliability.flood",),
        control=("tests.reliability.flood", "--seconds", "6", "--control"),
        control_is="has no limits",
    ),
    Promise(
        number="P11",
        sentence="Slow clients keep nobody waiting",
        target="1,000 half-open connections: 99 % of views within 50 ms",
        script=("tests.reliability.slow",),
    ),
    Promise(
        number="P12",
        sentence="The live page has a ceiling",
        target="10,000 pages: streams up to the limit, 503 for the rest; views within 50 ms, or at most twice as slow as alone; 150 MiB",
        script=("tests.reliability.followers",),
    ),
    Promise(
        number="P13",
        sentence="After a crash the number of active readers is right, and counts nobody twice",
        target="20 kills: within 5 s of the start as many on each page as a model says",
        script=("tests.reliability.presence",),
        long=("--kills", "200"),
        control=("tests.reliability.presence", "--kills", "2", "--control"),
        control_is="keeps sessions in memory alone",
    ),
    Promise(
        number="P14",
        sentence="Views, visitors and sessions are exactly those of a reference model",
        target="100,000 random messages with retries, restarts, failed commits and jumps of the clock: 0 deviations",
        script=("tests.reliability.suite", "P14", "tests/server/test_reference_model.py"),
    ),
    Promise(
        number="P15",
        sentence="Nothing that identifies a visitor is in any file: no address, user agent, session id, no key of a day that is over",
        target="0 traces of 1,000 visitors on three days in database, log of the database, backup, log, temporary files",
        script=("tests.reliability.traces",),
        long=("--visitors", "10000"),
        control=("tests.reliability.traces", "--visitors", "60", "--control"),
        control_is="logs who sent a message",
    ),
    Promise(
        number="P16",
        sentence="A sender chooses neither who it is nor when it was",
        target="0 of 10,000 forged requests",
        script=("tests.reliability.sender",),
        control=("tests.reliability.sender", "--messages", "500", "--control"),
        control_is="believes whoever it talks to",
    ),
    Promise(
        number="P17",
        sentence="Programs, pages that are fetched ahead, and who asks not to be counted are not counted",
        target="0 rows of any message with Global Privacy Control, Do Not Track or a prefetch; 99 % of 2,000 programs, no browser",
        script=("tests.reliability.left_out",),
        control=("tests.reliability.left_out", "--control"),
        control_is="knows neither headers nor programs",
    ),
    Promise(
        number="P18",
        sentence="An upgrade that is killed at any moment is made good by the next start",
        target="a kill after each statement, from every release: whole, the same rows, a backup of before",
        script=("tests.reliability.upgrades",),
        long=("--days", "30"),
        control=("tests.reliability.upgrades", "--days", "1", "--control"),
        control_is="commits after each statement",
    ),
    Promise(
        number="P19",
        sentence="Scripts that were released keep working with the tracker of today",
        target="each released script in a browser, on a site of its own: exact rows",
        script=("tests.reliability.suite", "P19", "tests/browser/test_released.py"),
    ),
    Promise(
        number="P20",
        sentence="A backup of a tracker that writes is whole, has all that was answered before it, and is cheap",
        target="10 of 10 restored, and 0 halves of 10 that were killed; at 100 MiB 99 % of views within 100 ms",
        script=("tests.reliability.backups",),
        long=("--backups", "100"),
        control=("tests.reliability.backups", "--backups", "2", "--mib", "4", "--control"),
        control_is="is copied as one copies files",
    ),
    Promise(
        number="P21",
        sentence="The script breaks no site",
        target="strict content policies, no preflight, nothing stored, no error whatever the tracker answers",
        script=("tests.reliability.suite", "P21", "tests/browser/test_guest.py"),
    ),
    Promise(
        number="P22",
        sentence="Every route has a policy: who may, from where, by which methods, with which headers",
        target="100 % of the routes; one without a policy stops the start",
        script=("tests.reliability.suite", "P22", "tests/server/test_policy.py"),
    ),
    Promise(
        number="P23",
        sentence="Nobody sees or changes what is not theirs",
        target="every route by every kind of visitor by pages of others: 401, 403 or 404, 0 leaks; forms need each of their proofs",
        script=(
            *("tests.reliability.suite", "P23"),
            *("tests/server/test_isolation.py", "tests/server/test_sign_in.py"),
        ),
    ),
    Promise(
        number="P24",
        sentence="A tracker asks nobody for anything, and nothing secret is the same for two",
        target="0 connections to other than this machine, without a way out of it; keys of its own, 0600",
        script=("tests.reliability.egress",),
        control=("tests.reliability.egress", "--control"),
        control_is="asks a server for its newest version",
    ),
    Promise(
        number="P25",
        sentence="On PostgreSQL, too, every view that was answered survives a crash of the server, and counts once",
        target="0 lost, 0 invented, 0 twice in 10 kills of a server with `synchronous_commit=off`; the tracker goes on",
        script=("tests.reliability.postgresql",),
        long=("--kills", "100"),
        control=("tests.reliability.postgresql", "--kills", "3", "--control"),
        control_is="takes `synchronous_commit=off` as it is",
    ),
    Promise(
        number="P26",
        sentence="Versions of SQLite with a known bug are handled, and there is one writer",
        target="the start names them; a second tracker on a file is refused",
        script=(
            "tests.reliability.suite",
            "P26",
            "tests/server/test_lock.py",
            "tests/server/test_database.py",
        ),
    ),
)
"""In the order of their numbers."""

PAGE = """\
# Promises

What the tracker promises, and what the script of each promise reached. Written by `make promises`; `LONG=1 make promises` takes the numbers of a release,
`python -m tests.reliability P5 P6` runs some. `make test` runs a short form of each. That retries never count twice (P4) is part of P1 and P6.

| | promise | number | | reached |
| --- | --- | --- | --- | --- |
{rows}

Measured on {machines}.

## Controls

A test that cannot fail shows nothing (P3). The same scripts over a tracker that breaks the promise:

| | broken how | found |
| --- | --- | --- |
{controls}

## What is not promised

- That messages are genuine: no tracker can tell a forged one. What forgery can do is bounded: unknown hosts are refused, unknown paths are few, each network has a rate.
- The last message of a closing tab, and readers whose browsers block the tracker.
- Durability on disks that lie about a flush, on network file systems, or with `STATS_SYNCHRONOUS=normal`.
- To be told when moving the log into the database file fails: SQLite tries again at the next commit, the log grows meanwhile, and nothing in it is lost.
- Heartbeats: an answer of 202 may be lost with up to one interval of reading time.
- To stand against a flood that fills the line: put a proxy in front, and name it in `STATS_TRUSTED_PROXIES`.
- Anonymity in the legal sense: with `visitor_id: daily`, ids are pseudonyms for as long as the key of their day lives, 48 hours at most.
"""
"""``docs/promises.md``, without its rows."""
