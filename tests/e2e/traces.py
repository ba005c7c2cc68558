"""What scripts do while a page loads, as Chromium traces it: how long they run, what they cause."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.e2e.chrome import Event, Tab

TRACKER, EXTRAS = "/tracker.", "/extras."
"""What the addresses of the two scripts have in them."""
MILLISECONDS_AFTER_LOAD = 1_000
_FIRST_RUNS = {"EvaluateScript", "v8.compileModule"}
_CALLS = {"EvaluateScript", "FunctionCall", "v8.run"}


@dataclass(frozen=True)
class Trace:
    """Calls of the scripts of a page; their times are the thread's own, without who else ran."""

    entries: list[Event]
    """As Chromium gives them."""

    def first_run_ms(self, script: str) -> float:
        """Return how long one of the two scripts took to compile and to run for the first time.

        Of a module's first run the trace does not say the address; no theme has another module.
        """
        module = "v8.evaluateModule" if script == EXTRAS else ""
        return _total_ms(
            one
            for one in self.entries
            if (one["name"] in _FIRST_RUNS and script in _address(one)) or one["name"] == module
        )

    def other_first_runs_ms(self) -> float:
        """Return the same of all other scripts of the site together, those of workers too."""
        return _total_ms(one for one in self.calls(ours=False) if one["name"] in _FIRST_RUNS)

    def longest_ms(self, *, ours: bool = True) -> float:
        """Return the longest time for which a thread ran nothing but the scripts."""
        return max(map(_milliseconds, self.calls(ours=ours)), default=0.0)

    def forced_layouts(self) -> list[int]:
        """Return how often a call of ours had the page laid out, of the calls that had."""
        layouts = [one for one in self.entries if one["name"] == "Layout"]
        counts = [sum(_is_within(one, call) for one in layouts) for call in self.calls(ours=True)]
        return [count for count in counts if count]

    def calls(self, *, ours: bool) -> list[Event]:
        """Return the calls from outside into the two scripts, or into the others of the site."""
        calls = [one for one in self.entries if one["name"] in _CALLS and _address(one)]
        return [one for one in calls if ours == any(n in _address(one) for n in (TRACKER, EXTRAS))]


def trace(tab: Tab, url: str, then: Callable[[], object] = lambda: None) -> Trace:
    """Load a page and do something; return what its scripts did until a second later."""
    chrome, since = tab.chrome, len(tab.chrome.events)
    chrome.call(
        "Tracing.start",
        traceConfig={"includedCategories": ["devtools.timeline", "v8", "toplevel"]},
    )
    tab.goto(url)
    then()
    tab.evaluate(f"new Promise(done => setTimeout(done, {MILLISECONDS_AFTER_LOAD}))")
    chrome.call("Tracing.end")
    chrome.wait_event(lambda event: event["method"] == "Tracing.tracingComplete", since, "trace")
    return Trace(
        [
            entry
            for event in chrome.events[since:]
            if event["method"] == "Tracing.dataCollected"
            for entry in event["params"]["value"]
        ]
    )


def without_scripts(html: str) -> str:
    """Return a page as it were without the plugin."""
    start = html.index('<meta name="mkdocs-stats"')
    end = html.index("</script>", html.index("data-tracker=", start)) + len("</script>")
    return html[:start] + html[end:]


def _milliseconds(entry: Event) -> float:
    return float(entry.get("tdur", 0)) / 1_000


def _total_ms(entries: Iterable[Event]) -> float:
    return sum(map(_milliseconds, entries))


def _is_within(entry: Event, call: Event) -> bool:
    thread = ("pid", "tid")
    return (
        all(entry[key] == call[key] for key in thread)
        and call["ts"] <= entry["ts"] < call["ts"] + call["dur"]
    )


def _address(entry: Event) -> str:
    arguments: dict[str, Any] = entry.get("args", {})
    return str(arguments.get("data", {}).get("url") or arguments.get("fileName", ""))
