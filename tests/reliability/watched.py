"""Notes whom a process would talk to that is not this machine: names it looks up, and addresses.

``python -m tests.reliability.watched run`` is the tracker, ``pytest -p`` with the name of this
module a run of tests. What is noted goes to the file that `NOTES` names, a line each.
"""

import os
import socket
import sys
import threading
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

NOTES = "EGRESS_NOTES"
CONTROL = "EGRESS_CONTROL"
SERVER = "192.0.2.1"
"""Of a network for documentation: nobody is there."""
_LOOK_UPS = {"socket.getaddrinfo", "socket.gethostbyname"}
_SENDING = {"socket.connect", "socket.sendto", "socket.sendmsg"}


def watch(file: str) -> None:
    """Note what this process does from now on; it cannot be undone."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _LOOK_UPS or event in _SENDING:
            host = _host(arguments[0] if event in _LOOK_UPS else arguments[1])
            if not _is_here(host):
                with open(file, "a") as notes:  # noqa: PTH123  # a hook that stays small
                    notes.write(f"{event} {host}\n")

    sys.addaudithook(hook)


def _host(address: object) -> str:
    """Return whom an address is of; sockets of the file system have none."""
    first = address[0] if isinstance(address, tuple) else address
    if isinstance(address, bytes) or (isinstance(address, str) and address.startswith("/")):
        return ""
    return first.decode() if isinstance(first, bytes) else str(first or "")


def _is_here(host: str) -> bool:
    with suppress(ValueError):
        address = ip_address(host)
        return address.is_loopback or address.is_unspecified
    return host in {"", "localhost"}


def pytest_configure() -> None:
    """Watch a run of tests."""
    watch(os.environ[NOTES])


def ask_for_a_newer_version() -> None:
    """Do what no tracker shall: look up a name, and connect to an address."""
    with suppress(OSError):
        socket.getaddrinfo("updates.example", 443)
    with suppress(OSError):
        socket.create_connection((SERVER, 443), 2).close()


def main() -> None:
    """Run the tracker."""
    from tracker_server.cli import main as run  # noqa: PLC0415  # so that its imports are seen

    if os.environ.get(CONTROL):
        threading.Thread(target=ask_for_a_newer_version, daemon=True).start()
    run()


if __name__ == "__main__":
    watch(os.environ[NOTES])
    main()
