"""Real trackers in processes of their own, for tests that stop or kill them."""

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

PATIENCE_SECONDS = 20.0
ROOT = Path(__file__).parents[1]
# Below those that a system gives to connections: one of them could have it before it is used.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody has, and that no connection will be given."""
    while True:
        port = secrets.choice(PORTS)
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Process:
    """One ``tracker-server`` with a port of its own."""

    def __init__(
        self, folder: Path, database_url: str, module: str = "tracker_server", **variables: str
    ) -> None:
        """`module` is what to run in the place of the tracker."""
        self.port = free_port()
        self._log = folder / f"{self.port}.txt"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("STATS_")}
        own = {
            "STATS_DATABASE_URL": database_url,
            "STATS_RATE_LIMIT": "0",
            "PYTHONPATH": str(ROOT),
            **variables,
        }
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, "run", "--port", str(self.port)],
                cwd=folder,
                env=inherited | own,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_it_serves(self) -> None:
        """Return when it answers."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < end, "waited in vain for a start"
            try:
                with closing(self.connect()) as connection:
                    connection.request("GET", "/healthz")
                    assert connection.getresponse().status == 200
                    return
            except OSError:
                time.sleep(0.02)

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def output(self) -> str:
        """Return what was printed and logged so far."""
        return self._log.read_text()

    def wait(self) -> int:
        """Return the exit code when it has ended."""
        return self._process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """End it and its children at once, as a crash does."""
        with suppress(ProcessLookupError):  # Killed before, and its children are gone too.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        """End it, by force if it does not go."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
