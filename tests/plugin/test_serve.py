"""`mkdocs serve`, as a process of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen

from tests.plugin.sites import Site, read_tags

PATIENCE_SECONDS = 20


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """Run `mkdocs serve` and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "mkdocs", "serve", "--dev-addr", address]
    command += ["--config-file", str(site.configure())]
    log = site.root / "serve.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, "TMPDIR": str(site.root)}
        ) as process,
    ):
        try:
            wait_for(lambda: fetch(f"http://{address}/"), f"{address} to answer")
            yield f"http://{address}/"
        finally:
            process.kill()


def fetch(url: str) -> str:
    """Read a page; empty while there is none."""
    try:
        with urlopen(url, timeout=5) as answer:
            text: str = answer.read().decode()
            return text
    except (URLError, ConnectionError, TimeoutError):
        return ""


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Ask until the answer is yes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def titles(address: str) -> dict[str, str]:
    """Read the manifest that is being served."""
    document = json.loads(fetch(f"{address}stats-manifest.json") or '{"pages": []}')
    return {page["path"]: page["title"] for page in document["pages"]}


def test_a_preview_is_not_tagged_and_its_manifest_follows_edits(site: Site) -> None:
    """The author's own reading is not counted; a new, changed or deleted page is noticed."""
    with serving(site) as address:
        assert read_tags(fetch(address)).metas == []
        site.write("new.md", "# New\n")
        wait_for(lambda: titles(address).get("/new/") == "New", "the new page")
        site.write("new.md", "# Newer\n")
        wait_for(lambda: titles(address).get("/new/") == "Newer", "the changed title")
        (site.root / "docs/new.md").unlink()
        wait_for(lambda: titles(address) and "/new/" not in titles(address), "the deletion")


def test_a_preview_is_tagged_on_demand(site: Site) -> None:
    """With `track_local` the pages, and the 404 page, are tagged with local addresses."""
    site.options["track_local"] = True
    site.settings = {"site_url": "https://x.example/docs/"}

    with serving(site) as root:
        address = f"{root}docs/"
        tags = read_tags(fetch(address))
        assert tags.metas == ["/"]
        assert "data-local" in tags.trackers[0]
        assert fetch(f"{address}{tags.addresses[0]}") != ""
