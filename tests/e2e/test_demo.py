"""``make demo`` does what the README says, and leaves nothing behind."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, answers, eventually, fetch_json
from tests.processes import free_port


def _processes_of(group: int) -> list[int]:
    """Return the processes of a session that are still there."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "-g", str(group)], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in found.stdout.split()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
def test_demo_serves_both_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """Site and tracker answer at the printed addresses; a signal ends every process."""
    site_port, tracker_port = free_port(), free_port()
    with (tmp_path / "demo.log").open("w+") as log:
        demo = subprocess.Popen(
            ["make", "demo", f"SITE_PORT={site_port}", f"TRACKER_PORT={tracker_port}"],
            cwd=ROOT,
            env={**os.environ, "MAKEFLAGS": ""},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        text = tmp_path / "demo.log"
        eventually(lambda: "Ctrl-C" in text.read_text(), "the demo says that it runs", 60)
        site, tracker = f"http://127.0.0.1:{site_port}/", f"http://127.0.0.1:{tracker_port}"
        eventually(lambda: fetch_json(f"{tracker}/api/stats")["activeVisitors"] > 1, "readers", 15)
        served = answers(site), answers(f"{tracker}/stats")
        figures = fetch_json(f"{tracker}/api/stats")
        os.killpg(demo.pid, number)  # What Ctrl-C in a terminal reaches.
        demo.wait(timeout=15)

    assert served == (True, True)
    assert figures["publishedPosts"] == 4
    assert figures["demo"] is True
    assert figures["totalPageViews"] > 10_000
    assert figures["series"]["views"].count(0) == 0
    assert site in text.read_text()
    assert f"{tracker}/stats" in text.read_text()
    assert _processes_of(demo.pid) == []
    eventually(lambda: not answers(f"{tracker}/healthz"), "the tracker is gone")
