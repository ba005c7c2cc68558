"""The command as people run it: real processes, real signals, a real port."""

import http.client
import json
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

from tests.server.conftest import session_id
from tracker_server.cli import main
from tracker_server.config import Settings
from tracker_server.keyring import Keyring
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
    return {
        **inherited,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "STATS_RATE_LIMIT": "0",
        **variables,
    }


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
        return self

    def kill(self) -> None:
        """End what is left of it."""
        if self.process.poll() is None:
            self.process.kill()
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


def _request(
    port: int, method: str, path: str, body: str | None = None, **headers: str
) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, body, headers)
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
    """One address line, the database in the working directory, and nothing else left behind."""
    port = _free_port()
    command = run("run", "--port", str(port)).serving()
    collected = _request(port, "POST", "/api/collect", _view())
    healthy = _request(port, "GET", "/healthz")
    figures = json.loads(_request(port, "GET", "/api/stats")[1])
    send(command.process.pid, number)
    code = command.wait()

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
            f"Error: database_url: {'../stats.sqlite3'!r} is in use by another tracker "
            f"(pid {first.process.pid}); one process writes a SQLite file, several need PostgreSQL"
        )
    ]
    assert _request(port, "POST", "/api/collect", _view())[0] == 204


@pytest.mark.parametrize("visibility", ["public", "counters", "private"])
def test_an_owner_who_let_nobody_in_is_told(run: Run, tmp_path: Path, visibility: str) -> None:
    """At the start, as long as nobody could see anything; with a password it is not said."""
    ring = Keyring(tmp_path / "stats.sqlite3.access")
    said = []
    for password in ("", "some hash"):
        if password:
            ring.change(lambda now, to=password: now.with_password(to))  # type: ignore[misc]
        command = run("run", "--port", str(_free_port()), STATS_VISIBILITY=visibility).serving()
        command.process.terminate()
        command.wait()
        said.append("nobody_let_in" in command.err)

    assert said == [visibility != "public", False]


def test_less_durable_settings_are_warned_of(run: Run) -> None:
    """The owner who lowers them reads at each start what may be lost."""
    command = run("run", "--port", str(_free_port()), STATS_SYNCHRONOUS="normal").serving()

    lines = [json.loads(line) for line in command.err.splitlines()]
    assert lines[0]["event"] == "less_durable"
    assert lines[0]["message"] == (
        "synchronous=normal: after a power cut or a crash of the system the last views may be "
        "missing, though they were answered with 204"
    )


def test_what_was_answered_is_there_after_a_kill(run: Run) -> None:
    """A view that was answered with 204 survives the sudden end of the process."""
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
    assert command.err.splitlines() == ["Error: database_url: there is no folder '/no/such/folder'"]


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
    assert "Error: STATS_PROT: no such setting; there are STATS_ACCESS_FILE" in command.err
    assert not list(tmp_path.glob("*.sqlite3*"))


@pytest.fixture
def own_environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return an environment for this test alone, without settings."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("STATS_")}
    monkeypatch.setattr(os, "environ", environment)
    return environment


def test_options_win_over_variables_and_these_over_defaults(run: Run, tmp_path: Path) -> None:
    """What the command line says comes first, then the environment, then the defaults."""
    port = _free_port()
    run(
        *("run", "--port", str(port), "--allowed-host", "https://A.example/"),
        STATS_PORT="1",
        STATS_ALLOWED_HOST="old.example",
        STATS_DATABASE_URL="sqlite:///own.sqlite3",
    ).serving()

    assert _request(port, "POST", "/api/collect", _view())[0] == 403
    assert _request(port, "POST", "/api/collect", _view(), Origin="https://old.example")[0] == 403
    assert _request(port, "POST", "/api/collect", _view(), Origin="https://a.example")[0] == 204
    assert (tmp_path / "own.sqlite3").exists()


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
