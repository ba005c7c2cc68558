"""The file of what lets somebody in, and the commands that change it while a tracker runs."""

import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.server.conftest import NOON
from tracker_server.cli import main
from tracker_server.config import Settings
from tracker_server.credentials import (
    MAX_SESSIONS,
    SESSION,
    TOKEN,
    Credentials,
    Grant,
    digest_of,
    dump_credentials,
    parse_credentials,
)
from tracker_server.errors import ConfigurationError, StorageError
from tracker_server.keyring import Keyring, keyring_file
from tracker_server.keys import Keys, as_line
from tracker_server.passwords import Passwords

ROOT = Path(__file__).parents[2]
PASSWORD = "a horse of eleven batteries"
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    """A keyring whose file is not there yet."""
    return Keyring(tmp_path / "stats.sqlite3.access")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Return what runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.time", lambda: NOON)
    environment = {name: text for name, text in os.environ.items() if not name.startswith("STATS_")}
    monkeypatch.setattr(os, "environ", environment)

    def invoke(*arguments: str, given: str | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=given)

    return invoke


# The file.


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        pytest.param({"database_url": "sqlite:////srv/a.sqlite3"}, "/srv/a.sqlite3.access", id="3"),
        pytest.param({"access_file": "/etc/stats/access"}, "/etc/stats/access", id="named"),
        pytest.param(
            {"database_url": "postgresql+psycopg://db/a"}, f"{Path.cwd()}/stats.access", id="server"
        ),
    ],
)
def test_the_file_is_beside_the_database(settings: dict[str, str], name: str) -> None:
    """Or where the setting says."""
    assert keyring_file(Settings(**settings)) == Path(name)  # type: ignore[arg-type]


def test_nothing_is_made_until_it_is_needed(ring: Keyring) -> None:
    """Reading is not needing; then there is one file, for its owner alone."""
    assert ring.read() == Credentials()
    assert not ring.file.exists()
    ring.with_key()

    assert [path.name for path in ring.file.parent.iterdir()] == [ring.file.name]
    assert stat.S_IMODE(ring.file.stat().st_mode) == 0o600


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_may_read_it_whatever_the_umask(ring: Keyring, umask: int) -> None:
    """After each change."""
    before = os.umask(umask)
    try:
        for name in "ab":
            ring.add(_token(name))
            assert stat.S_IMODE(ring.file.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_keys_are_random_and_stay(ring: Keyring, tmp_path: Path) -> None:
    """Two trackers have two, and one keeps its own."""
    first = ring.with_key().key
    other = Keyring(tmp_path / "other").with_key().key

    assert ring.with_key().key == first
    assert Keyring(ring.file).read().key == first
    assert len(first) == len(other) == 32
    assert first != other


def _token(name: str, expires: int | None = None) -> Grant:
    return Grant(kind=TOKEN, name=name, scope="stats:read", created=1, expires=expires)


def test_no_secret_is_in_it(ring: Keyring) -> None:
    """Hashes only; a secret has 256 bits and leads to what was granted."""
    secret, grant = ring.add(_token("ci"))
    Keys(ring).set_password(PASSWORD)
    text = ring.file.read_text()

    assert len(urlsafe_b64decode(secret + "=")) == 32
    assert secret not in text
    assert PASSWORD not in text
    assert digest_of(secret) in text
    assert ring.read().find(TOKEN, secret, 1) == grant
    assert ring.read().find(SESSION, secret, 1) is None
    assert ring.read().find(TOKEN, secret[:-1], 1) is None


def test_another_process_sees_a_change_at_once(ring: Keyring) -> None:
    """A hundred times in a row, however coarse the clock of the file system is."""
    other = Keyring(ring.file)
    for number in range(100):
        secret, grant = ring.add(_token(f"{number}"))
        assert other.read().find(TOKEN, secret, 1) == grant
        ring.change(lambda now, gone=grant.id: now.without(gone))  # type: ignore[misc]
        assert other.read().find(TOKEN, secret, 1) is None


def test_changes_at_a_time_are_all_kept(ring: Keyring) -> None:
    """Eight threads with a keyring each, as eight commands have."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: Keyring(ring.file).add(_token(f"{n}")), range(64)))

    assert {grant.name for grant in ring.read().grants} == {f"{n}" for n in range(64)}


KILLED = """
import os, signal, sys
from pathlib import Path
from tracker_server import keyring
from tracker_server.credentials import Grant

place = sys.argv[2]
real = getattr(os, place) if place != "replace" else Path.replace

def die(*arguments):
    if place == "fsync":
        real(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

if place == "replace":
    Path.replace = die
else:
    setattr(os, place, die)
grant = Grant(kind="token", name="late", scope="stats:read", created=1, expires=None)
keyring.Keyring(Path(sys.argv[1])).add(grant)
"""


@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_a_change_that_is_cut_short_has_changed_nothing(ring: Keyring, place: str) -> None:
    """Nor does what it left behind keep the next one from changing."""
    secret, grant = ring.add(_token("early"))
    arguments = [sys.executable, "-c", KILLED, str(ring.file), place]
    killed = subprocess.run(arguments, cwd=ROOT, check=False)
    after = Keyring(ring.file).read()
    ring.add(_token("next"))

    assert killed.returncode == -signal.SIGKILL
    assert after.find(TOKEN, secret, 1) == grant
    assert len(after.grants) == 1
    assert {grant.name for grant in ring.read().grants} == {"early", "next"}
    assert [path.name for path in ring.file.parent.iterdir()] == [ring.file.name]


@pytest.mark.parametrize(
    "data",
    [b"{", b"[]", b"{}", b"\xff", b'{"key": "zz", "password": "", "grants": []}', b"x" * 99],
)
def test_what_is_no_keyring_lets_nobody_in(ring: Keyring, data: bytes) -> None:
    """Reading says which file it is, and a change does not overwrite it."""
    ring.file.write_bytes(data)

    with pytest.raises(StorageError, match=re.escape(f"access_file: {ring.file}: ")):
        ring.read()
    with pytest.raises(StorageError, match="access_file: "):
        ring.with_key()
    assert ring.file.read_bytes() == data


def test_what_was_written_is_read_again(ring: Keyring) -> None:
    """All of it."""
    ring.add(_token("a", 99))
    Keys(ring).make_link("b", "/guide/", "2d", 5)
    Keys(ring).set_password(PASSWORD)
    now = ring.read()

    assert parse_credentials(dump_credentials(now)) == now
    assert {grant.section for grant in now.grants} == {"", "/guide/"}


def test_sessions_that_are_over_or_too_many_go() -> None:
    """Tokens and links stay, which are listed as over."""

    def session(number: int, expires: int) -> Grant:
        return Grant(kind=SESSION, scope="admin", created=0, expires=expires, id=f"{number}")

    kept = Credentials(b"k", "", (_token("old", 3), session(-1, 5)))
    for number in range(MAX_SESSIONS + 3):
        kept = kept.adding(session(number, 1_000), 10)

    assert [grant.id for grant in kept.of_kind(SESSION)] == [
        str(number) for number in range(3, MAX_SESSIONS + 3)
    ]
    assert [grant.name for grant in kept.of_kind(TOKEN)] == ["old"]


def test_without_a_key_nothing_is_proved() -> None:
    """An empty proof of an empty key would be one."""
    for key in (b"", b"k"):
        credentials = Credentials(key)
        assert not credentials.proves("form", "", credentials.mac("form", ""))
        assert not credentials.proves("form", "a", "")
        assert not credentials.proves("form", "a", "\u00fc")
        assert not credentials.proves("form", "a", credentials.mac("share", "a"))
    assert Credentials(b"k").proves("form", "a", Credentials(b"k").mac("form", "a"))


# The commands.


def test_a_password_is_read_from_standard_input(run: Callable[..., Result], tmp_path: Path) -> None:
    """A line of it; the place is said, and the password is not."""
    result = run("password", given=PASSWORD + "\nmore\n")
    kept = Keyring(tmp_path / "stats.sqlite3.access").read().password

    assert result.exit_code == 0, result.output
    assert result.stdout == f"Password set in {tmp_path / 'stats.sqlite3.access'}\n"
    assert Passwords().fits(kept, PASSWORD)


def test_a_password_is_asked_for_twice_on_a_terminal(tmp_path: Path) -> None:
    """And not shown, by the real command on a real terminal."""
    shown = _on_a_terminal(tmp_path, [PASSWORD, PASSWORD])
    kept = Keyring(tmp_path / "stats.sqlite3.access").read().password

    assert shown.count("Password: ") == 1
    assert "Repeat for confirmation: " in shown
    assert PASSWORD not in shown
    assert Passwords().fits(kept, PASSWORD)


def _on_a_terminal(folder: Path, lines: list[str]) -> str:
    leader, follower = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STATS_")}
    command = subprocess.Popen(
        [sys.executable, "-m", "tracker_server", "password"],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT)},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    shown, waiting, end = "", list(lines), time.monotonic() + 20
    while time.monotonic() < end and command.poll() is None:
        if select.select([leader], [], [], 0.1)[0]:
            try:
                shown += os.read(leader, 1_024).decode()
            except OSError:  # It has gone.
                break
            if waiting and shown.endswith(": "):
                os.write(leader, f"{waiting.pop(0)}\n".encode())
    assert command.wait(20) == 0, shown
    os.close(leader)
    return shown


@pytest.mark.parametrize("given", ["", "\n", "short\n", "x" * 2_000 + "\n"])
def test_a_password_of_another_length_is_refused(
    run: Callable[..., Result], tmp_path: Path, given: str
) -> None:
    """One line says why, and nothing is made."""
    result = run("password", given=given)

    assert result.exit_code == 1
    assert result.stderr == "Error: password: must have 12 to 1,024 characters\n"
    assert list(tmp_path.iterdir()) == []


def test_no_command_takes_a_secret_as_an_argument(run: Callable[..., Result]) -> None:
    """Other users of a machine could read it."""
    assert run("password", PASSWORD).exit_code == 2
    assert run("token", "create", "--name", "a", "--scope", "stats:read", "secret").exit_code == 2
    for command in ("password", "token", "share"):
        assert "--password" not in run(command, "--help").stdout


def test_a_token_is_shown_once(run: Callable[..., Result], tmp_path: Path) -> None:
    """Alone on standard output, for scripts; the list has what it is for and until when."""
    made = run("token", "create", "--name", "ci", "--scope", "manifest:write", "--expires", "90d")
    listed = run("token", "list")
    secret = made.stdout.strip()
    grant = Keyring(tmp_path / "stats.sqlite3.access").read().find(TOKEN, secret, NOON)

    assert SECRET.fullmatch(secret)
    assert grant is not None
    assert (grant.scope, grant.created, grant.expires) == (
        *("manifest:write", int(NOON), int(NOON) + 90 * 86_400),
    )
    assert secret not in listed.stdout
    assert listed.stdout == f"{grant.id}  manifest:write  until 2026-04-01       ci\n"


def test_a_link_is_shown_once(run: Callable[..., Result]) -> None:
    """As an address, if that of the tracker is known."""
    whole = run("share", "create", "--name", "team", "--url", "https://stats.example.org/")
    part = run("share", "create", "--name", "guide", "--path-prefix", "/guide/", "--expires", "12h")
    listed = run("share", "list").stdout.splitlines()

    assert re.fullmatch(rf"https://stats\.example\.org/share/{SECRET.pattern}\n", whole.stdout)
    assert re.fullmatch(rf"/share/{SECRET.pattern}\n", part.stdout)
    assert [line.split()[1:] for line in listed] == [
        ["everything", "until", "2026-01-31", "team"],
        ["/guide/", "until", "2026-01-02", "guide"],
    ]
    assert run("token", "list").stdout == ""


@pytest.mark.parametrize("by", ["name", "id"])
@pytest.mark.parametrize("kind", ["token", "share"])
def test_what_was_granted_is_taken_back(run: Callable[..., Result], kind: str, by: str) -> None:
    """By name or id; the others stay."""
    more = ["--scope", "stats:read"] if kind == "token" else []
    for name in ("a", "b"):
        run(kind, "create", "--name", name, *more)
    wanted = run(kind, "list").stdout.split()[0] if by == "id" else "a"
    gone = run(kind, "revoke", wanted)

    assert gone.exit_code == 0
    assert re.fullmatch(r"a \([0-9a-f]{12}\) is revoked\n", gone.stdout)
    assert run(kind, "list").stdout.split()[-1] == "b"
    assert run(kind, "revoke", wanted).stderr == (
        f"Error: {kind}: there is none with the id or name {wanted!r}\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["token", "create", "--name", "a", "--scope", "stats:read"], "there is a 'a' already"),
        (["token", "create", "--name", "", "--scope", "stats:read"], "name: must have at most 60"),
        (["share", "create", "--name", "x\ny"], "name: must have at most 60"),
        (["share", "create", "--name", "b", "--expires", "soon"], "expires: must be such as 90d"),
        (["share", "create", "--name", "b", "--expires", "0d"], "expires: must be such as 90d"),
        (["share", "create", "--name", "b", "--path-prefix", "guide/"], "must start with /"),
        (["share", "create", "--name", "b", "--path-prefix", "/guide"], "path-prefix: must end"),
        (["share", "create", "--name", "b", "--path-prefix", "/"], "path-prefix: must end with /"),
        (["token", "list", "--database-url", "sqlite:////no/such/a.sqlite3"], "there is no folder"),
    ],
)
def test_a_wrong_grant_is_one_line(
    run: Callable[..., Result], arguments: list[str], said: str
) -> None:
    """And grants nothing."""
    run("token", "create", "--name", "a", "--scope", "stats:read")
    result = run(*arguments)

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert said in result.stderr
    assert run("share", "list").stdout == ""


def test_lists_say_what_is_over() -> None:
    """And what never is."""
    lines = [as_line(_token("a", end), NOON).strip() for end in (int(NOON), int(NOON) + 1, None)]

    assert [" ".join(line.split()[1:]) for line in lines] == [
        "over since 2026-01-01 a",
        "until 2026-01-01 a",
        "until never a",
    ]


def test_a_file_that_cannot_be_written_is_one_line(ring: Keyring) -> None:
    """It says which, and why."""
    ring.file.mkdir()

    with pytest.raises(StorageError, match=re.escape(f"access_file: {ring.file}: Is a directory")):
        Keys(ring).set_password(PASSWORD)


def test_a_password_of_a_key_is_checked_before_anything_is_made(ring: Keyring) -> None:
    """Nothing is left of a refusal."""
    with pytest.raises(ConfigurationError):
        Keys(ring).set_password("short")
    assert not ring.file.exists()


def test_the_file_is_json_that_people_can_read(ring: Keyring) -> None:
    """With the fields that the documentation of the module names."""
    ring.add(_token("a"))

    assert json.loads(ring.file.read_text()).keys() == {"key", "password", "grants"}
