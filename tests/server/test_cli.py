"""The command as people run it: real processes, real signals, a real port."""

import http.client
import json
import logging
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import fields
from pathlib import Path
from runpy import run_module

import pytest
from click.testing import CliRunner
from flask import Flask

from tests.server.conftest import session_id
from tracker_server.app import PATIENCE_SECONDS as PATIENCE_SECONDS_OF_THE_LOCK
from tracker_server.cli import as_environment, load_app, main
from tracker_server.config import Settings, read_settings
from tracker_server.lock import FileLock
from tracker_server.sqlite_file import version_line

PATIENCE_SECONDS = 15.0
ROOT = Path(__file__).parents[2]


def _free_port() -> int:
    with closing(socket.socket()) as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def _environment(variables: dict[str, str]) -> dict[str, str]:
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("STATS_")}
    return {**inherited, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **variables}


def _processes() -> dict[int, tuple[int, str]]:
    """Return parent and state of every process."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in listing.stdout.splitlines()]
    return {int(pid): (int(parent), state) for pid, parent, state in rows}


def _children(pid: int) -> list[int]:
    return [child for child, (parent, _) in _processes().items() if parent == pid]


def _is_running(pid: int) -> bool:
    """Tell whether a process lives; one that nobody has collected yet does not."""
    return not _processes().get(pid, (0, "Z"))[1].startswith("Z")


class Command:
    """One ``tracker-server`` process and its output."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self._out, self._err = folder / "out.txt", folder / "err.txt"
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tracker_server", *arguments],
                cwd=folder,
                env=_environment(variables),
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.workers: list[int] = []

    @property
    def out(self) -> str:
        """What was printed so far."""
        return self._out.read_text()

    @property
    def err(self) -> str:
        """What was complained about so far."""
        return self._err.read_text()

    def wait(self) -> int:
        """Return the exit code."""
        return self.process.wait(PATIENCE_SECONDS)

    def serving(self) -> "Command":
        """Return when it says where it serves."""
        _wait_until(lambda: "Tracker on" in self.out or self.process.poll() is not None, "a start")
        assert self.process.poll() is None, self.err
        self.workers = _children(self.process.pid)
        assert self.workers
        return self

    def kill(self) -> None:
        """End what is left of it."""
        for pid in [self.process.pid, *self.workers]:
            if _is_running(pid):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)


Run = Callable[..., Command]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Return what starts the command in an empty folder; all are ended at the end."""
    commands: list[Command] = []

    def start(*arguments: str, **variables: str) -> Command:
        commands.append(Command(tmp_path, *arguments, **variables))
        return commands[-1]

    yield start
    for command in commands:
        command.kill()


def _request(port: int, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()


def _view() -> str:
    return json.dumps({"t": "view", "s": session_id(0), "l": "1" * 32, "p": "/"})


@pytest.mark.parametrize(
    ("send", "number"),
    [
        pytest.param(os.kill, signal.SIGINT, id="SIGINT"),
        pytest.param(os.kill, signal.SIGTERM, id="SIGTERM"),
        pytest.param(os.killpg, signal.SIGINT, id="Ctrl+C-in-a-terminal"),
    ],
)
def test_run_serves_until_it_is_told_to_stop(
    run: Run, tmp_path: Path, send: Callable[[int, int], None], number: signal.Signals
) -> None:
    """One address line, the database in the working directory, and no process left behind."""
    port = _free_port()
    command = run("run", "--port", str(port)).serving()
    collected = _request(port, "POST", "/api/collect", _view())
    healthy = _request(port, "GET", "/healthz")
    figures = json.loads(_request(port, "GET", "/api/stats")[1])
    send(command.process.pid, number)
    code = command.wait()
    _wait_until(lambda: not any(map(_is_running, command.workers)), "the workers to end")

    assert (collected, healthy) == ((204, b""), (200, b"ok\n"))
    assert figures["totalPageViews"] == 1
    assert command.out.splitlines() == [
        version_line(),
        f"Tracker on http://127.0.0.1:{port}/stats, data in sqlite:///stats.sqlite3",
    ]
    assert code == 0
    assert "Traceback" not in command.err
    assert _files(tmp_path) == ["stats.sqlite3", "stats.sqlite3.lock"]


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("stats*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_work_is_finished_and_the_log_is_gone(
    run: Run, tmp_path: Path, number: signal.Signals
) -> None:
    """Who was being answered when the tracker was told to stop is answered, and stored."""
    port = _free_port()
    command = run("run", "--port", str(port)).serving()
    _wait_until_it_listens(port)
    with closing(sqlite3.connect(tmp_path / "stats.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(_request, port, "POST", "/api/collect", _view())
            time.sleep(0.5)  # The message is on its way, and waits for the lock.
            command.process.send_signal(number)
            time.sleep(0.5)
            running = command.process.poll() is None
            other.execute("ROLLBACK")
            other.close()
            status = answer.result()[0]
    code = command.wait()

    assert (running, status, code) == (True, 204, 0)
    assert _files(tmp_path) == ["stats.sqlite3", "stats.sqlite3.lock"]
    with closing(sqlite3.connect(tmp_path / "stats.sqlite3")) as after:
        assert after.execute("SELECT views FROM totals").fetchall() == [(1,)]


def _wait_until_it_listens(port: int) -> None:
    def listens() -> bool:
        with suppress(OSError):
            return _request(port, "GET", "/healthz")[0] == 200
        return False

    _wait_until(listens, "an answer")


def test_a_second_tracker_on_the_same_file_is_exit_code_1_and_one_line(
    run: Run, tmp_path: Path
) -> None:
    """It names the file and who has it; the first one goes on."""
    port = _free_port()
    (tmp_path / "second").mkdir()
    first = run("run", "--port", str(port)).serving()
    _wait_until_it_listens(port)
    second = Command(
        tmp_path / "second",
        *("run", "--port", str(_free_port())),
        *("--database-url", "sqlite:///../stats.sqlite3"),
    )
    code = second.wait()

    assert code == 1
    assert second.err.splitlines() == [
        (
            f"tracker-server: database_url: {'../stats.sqlite3'!r} is in use by another tracker "
            f"(pid {first.workers[0]}); one process writes a SQLite file, several need PostgreSQL"
        )
    ]
    assert _request(port, "POST", "/api/collect", _view())[0] == 204


def test_a_new_start_waits_for_what_a_killed_supervisor_left(run: Run) -> None:
    """The orphan notices within a second; who starts anew at once is not refused."""
    command = run("run", "--port", str(_free_port())).serving()
    os.kill(command.process.pid, signal.SIGKILL)
    command.wait()
    port = _free_port()
    run("run", "--port", str(port)).serving()
    _wait_until_it_listens(port)

    assert _request(port, "POST", "/api/collect", _view())[0] == 204


def test_a_start_can_be_ended_while_it_waits(run: Run, tmp_path: Path) -> None:
    """What the server does with signals does not keep a worker that is not serving yet."""
    lock = FileLock(tmp_path / "stats.sqlite3")
    command = run("run", "--port", str(_free_port()))
    _wait_until(lambda: "SQLite" in command.out, "the first line")
    began = time.monotonic()
    command.process.terminate()
    command.wait()
    took = time.monotonic() - began
    lock.release()

    assert took < PATIENCE_SECONDS_OF_THE_LOCK / 2
    assert "in use" not in command.err


def test_less_durable_settings_are_warned_of(run: Run) -> None:
    """The owner who lowers them reads at each start what may be lost."""
    command = run("run", "--port", str(_free_port()), STATS_SYNCHRONOUS="normal").serving()

    assert command.err.splitlines() == [
        (
            "tracker-server: warning: synchronous=normal: after a power cut or a crash of the "
            "system the last views may be missing, though they were answered with 204"
        )
    ]


def test_a_worker_ends_when_its_supervisor_is_killed(run: Run) -> None:
    """After a SIGKILL of the process that was started the port is free and nothing runs on."""
    port = _free_port()
    command = run("run", STATS_PORT=str(port)).serving()
    command.process.kill()
    command.wait()
    _wait_until(lambda: not any(map(_is_running, command.workers)), "the orphans to end")

    with pytest.raises(ConnectionRefusedError):
        _request(port, "GET", "/healthz")


def test_what_was_answered_is_there_after_a_kill(run: Run) -> None:
    """A view that was answered with 204 survives the sudden end of all processes."""
    port = _free_port()
    command = run("run", "--port", str(port)).serving()
    status = _request(port, "POST", "/api/collect", _view())[0]
    command.kill()
    run("run", "--port", str(port)).serving()
    figures = json.loads(_request(port, "GET", "/api/stats")[1])

    assert status == 204
    assert figures["totalPageViews"] == 1


def test_a_folder_that_does_not_exist_is_exit_code_1_and_one_line(run: Run) -> None:
    """The message says what is wrong with which setting, without a traceback."""
    command = run(
        "run", "--port", str(_free_port()), "--database-url", "sqlite:////no/such/folder/a.db"
    )

    assert command.wait() == 1
    assert command.err.splitlines() == [
        "tracker-server: database_url: there is no folder '/no/such/folder'"
    ]


def test_a_port_that_is_taken_is_exit_code_1_and_one_line(run: Run) -> None:
    """Nor is there a traceback when another program listens there already."""
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        command = run("run", "--port", str(port))
        code = command.wait()

    assert code == 1
    assert len(command.err.splitlines()) == 1
    assert command.err.startswith(f"Error: 127.0.0.1:{port}: Address already in use")


def test_an_unknown_variable_is_exit_code_2(run: Run, tmp_path: Path) -> None:
    """A misspelt setting is a mistake of usage; nothing is started and no file made."""
    command = run("run", STATS_PROT="9000")

    assert command.wait() == 2
    assert "Error: STATS_PROT: no such setting; there are STATS_ALLOWED_HOSTS" in command.err
    assert not list(tmp_path.glob("*.sqlite3*"))


@pytest.fixture
def own_environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return an environment for this test alone, without settings."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("STATS_")}
    monkeypatch.setattr(os, "environ", environment)
    return environment


@pytest.fixture
def signals() -> Iterator[None]:
    """Put the handlers of signals back, which the server sets."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
def test_options_win_over_variables_and_reach_the_worker(own_environment: dict[str, str]) -> None:
    """What the worker reads is what the command line said, then the environment, then defaults."""
    own_environment.update(
        {"STATS_PORT": "1", "STATS_ALLOWED_HOST": "old.example", "STATS_THREADS": "3"}
    )
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        arguments = ["--port", str(port), "--allowed-host", "https://A.example/"]
        result = CliRunner().invoke(main, ["run", *arguments, "--allowed-host", "b.example:80"])
    settings = read_settings(own_environment)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: 127.0.0.1:{port}: Address already in use")
    assert (settings.port, settings.threads) == (port, 3)
    assert settings.allowed_hosts == ("a.example", "b.example:80")


@pytest.mark.usefixtures("own_environment")
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["run", "--port", "0"], id="port-0"),
        pytest.param(["run", "--port", "x"], id="port-x"),
        pytest.param(["run", "--allowed-host", "a b"], id="host"),
        pytest.param(["run", "--colour", "red"], id="no-such-option"),
        pytest.param(["run", "now"], id="argument"),
        pytest.param(["walk"], id="no-such-command"),
    ],
)
def test_a_mistake_of_usage_is_exit_code_2(arguments: list[str]) -> None:
    """Wrong options are refused before anything is started."""
    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 2
    assert "Error: " in result.stderr
    assert result.stdout == ""


def test_help_lists_every_option_with_variable_and_default() -> None:
    """Each option of the command names the variable it stands for, and the default is right."""
    result = CliRunner().invoke(main, ["run", "--help"], terminal_width=200)
    text = " ".join(result.stdout.split())

    listed = re.findall(
        r"--([a-z-]+) (?:TEXT|INTEGER) [^\[]*\[(STATS_[A-Z_]+)(?:; ([^\]]+))?\]", text
    )
    assert listed == [
        ("host", "STATS_HOST", "127.0.0.1"),
        ("port", "STATS_PORT", "8001"),
        ("database-url", "STATS_DATABASE_URL", "sqlite:///stats.sqlite3"),
        ("manifest", "STATS_MANIFEST", ""),
        ("allowed-host", "STATS_ALLOWED_HOSTS", "all"),
    ]
    assert {option.name for option in main.commands["run"].params} == {
        "host",
        "port",
        "database_url",
        "manifest",
        "allowed_hosts",
    }
    for option, variable, default in listed:
        name = variable.removeprefix("STATS_").lower()
        assert name in {field.name for field in fields(Settings)}
        assert option in {name.replace("_", "-"), "allowed-host"}
        assert default in {str(getattr(Settings(), name)), "all"}


def test_help_and_version_need_no_settings(run: Run) -> None:
    """Asking for help works even where the environment is wrong."""
    helped = run("--help", STATS_PROT="9000")
    code = helped.wait()
    version = CliRunner().invoke(main, ["--version"])

    assert code == 0
    assert helped.out.startswith("Usage: tracker-server [OPTIONS] COMMAND")
    assert re.fullmatch(r"tracker-server, version \S+\n", version.stdout)


def test_the_module_is_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``python -m tracker_server`` does what ``tracker-server`` does; importing it does nothing."""
    monkeypatch.setattr(sys, "argv", ["__main__.py", "--help"])
    run_module("tracker_server.__main__", run_name="imported")
    imported = capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        run_module("tracker_server", run_name="__main__")

    assert imported == ""
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("Usage: tracker-server [OPTIONS] COMMAND")


def _close(app: Flask) -> None:
    app.extensions["tracker"].close()


def test_load_app_reads_the_environment_and_starts_the_chores(
    own_environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The worker's application is ready to serve, and the address line hides a password."""
    file = tmp_path / "a.sqlite3"
    own_environment.update(
        {"STATS_DATABASE_URL": f"sqlite:///{file}", "STATS_PORT": "8765", "STATS_THREADS": "2"}
    )
    app = load_app()
    healthy = app.test_client().get("/healthz").status_code
    _close(app)

    assert healthy == 200
    assert app.extensions["tracker"].settings.threads == 2
    assert capsys.readouterr().out == (
        f"{version_line()}\nTracker on http://127.0.0.1:8765/stats, data in sqlite:///{file}\n"
    )
    assert logging.getLogger("tracker_server").isEnabledFor(logging.WARNING)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        pytest.param(
            {"STATS_DATABASE_URL": "sqlite:////no/such/folder/a.db"},
            "tracker-server: database_url: there is no folder '/no/such/folder'\n",
            id="folder",
        ),
        pytest.param(
            {"STATS_THREADS": "none"},
            "tracker-server: STATS_THREADS: must be a whole number, is 'none'\n",
            id="number",
        ),
    ],
)
def test_load_app_ends_its_process_when_the_settings_are_wrong(
    own_environment: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    message: str,
) -> None:
    """A worker that cannot start says why in one line and ends with 1."""
    own_environment.update(variables)
    with pytest.raises(SystemExit) as end:
        load_app()

    assert end.value.code == 1
    assert capsys.readouterr().err == message


def test_as_environment_is_what_read_settings_reads() -> None:
    """Settings survive the way through the environment; a relative manifest becomes absolute."""
    settings = Settings(
        host="0.0.0.0",
        port=9_000,
        database_url="sqlite:////srv/a.db",
        synchronous="normal",
        manifest="/srv/site/stats-manifest.json",
        manifest_token="a token of length",
        allowed_hosts=("a.example", "[::1]:8000"),
        max_unknown_paths=0,
        threads=3,
    )
    relative = as_environment(Settings(manifest="site/stats-manifest.json"))

    assert read_settings(as_environment(settings)) == settings
    assert read_settings(as_environment(Settings())) == Settings()
    assert relative["STATS_MANIFEST"] == str(Path.cwd() / "site" / "stats-manifest.json")
