"""Each report on the content says what is true of the population, exactly, on each of its ways."""

import csv
import io
import json
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from tests.server.conftest import FakeClock, Site
from tests.server.content.asking import ask, rows
from tests.server.population.lines import TEXTS, write_lines
from tests.server.population.town import FIRST_DAY, LAST_DAY, NOW
from tests.server.population.truth import FOLDER, read_truth
from tracker_server import cli_report, terminal
from tracker_server.app import create_app
from tracker_server.catalogue import REPORTS
from tracker_server.cli import main
from tracker_server.config import Settings

NAMES = sorted(file.stem for file in FOLDER.iterdir())
"""Of reports, and of reports with an option that is on: ``REPORT+OPTION``."""
TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("page", "text", "term", "language", "code", "day"), (str,)),
    **dict.fromkeys(("number", "days"), (int,)),
    **dict.fromkeys(("decimal", "share", "change", "points"), (float,)),
    **dict.fromkeys(("list", "reasons"), (list,)),
    "seconds": (int, float),
    "flag": (bool,),
}


def test_there_is_a_truth_of_every_report() -> None:
    """And of every option that changes what a row is; none of another."""
    switches = {
        f"{report.name}+{option.name}"
        for report in REPORTS
        for option in report.options
        if option.is_switch
    }
    assert {*NAMES} == {report.name for report in REPORTS} | switches


@pytest.mark.parametrize("name", NAMES)
def test_a_report_says_the_truth(town: Site, name: str) -> None:
    """Facts, rows in their order, and what is to be pasted; of the 30 days that are usual."""
    report, asked = _asked(name)
    said, truth = ask(town, report, **asked), read_truth(name)

    assert (said["from"], said["to"]) == (FIRST_DAY, LAST_DAY)
    assert said["facts"] == truth.facts
    assert said["rows"] == truth.rows
    assert said["rowCount"] == len(truth.rows)
    assert said["snippet"] == truth.snippet


@pytest.mark.parametrize("name", NAMES)
def test_shares_have_four_decimals(town: Site, name: str) -> None:
    """In rows and above them, so that no report says more than others, or than is known."""
    report, asked = _asked(name)
    said = ask(town, report, **asked)
    columns = [column["name"] for column in said["columns"] if column["kind"] == "share"]
    shares = [row[column] for row in said["rows"] for column in columns]
    shares += [said["facts"][fact] for fact, kind in said["factKinds"].items() if kind == "share"]

    assert [share for share in shares if share is not None and share != round(share, 4)] == []


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return a tracker that has heard nothing."""
    url = f"sqlite:///{tmp_path_factory.mktemp('empty') / 'stats.sqlite3'}"
    app = create_app(Settings(database_url=url), FakeClock(NOW))
    return Site(app, FakeClock(NOW), app.test_client())


@pytest.mark.parametrize("name", NAMES)
def test_kinds_do_not_depend_on_what_there_is_to_say(town: Site, empty: Site, name: str) -> None:
    """Who reads facts by their kinds reads them alike on the first day."""
    report, asked = _asked(name)

    assert ask(town, report, **asked)["factKinds"] == ask(empty, report, **asked)["factKinds"]


@pytest.mark.parametrize(
    ("name", "kind", "columns"),
    [
        ("deploys", "change", ["change", "changeLow", "changeHigh"]),
        ("feedback", "points", ["shareChange"]),
        ("feedback+headings", "points", ["shareChange"]),
    ],
)
def test_a_change_is_no_share(town: Site, name: str, kind: str, columns: list[str]) -> None:
    """Of a number it is said in percent of that, of a share in points."""
    report, asked = _asked(name)
    said = ask(town, report, **asked)["columns"]

    assert [column["name"] for column in said if column["kind"] == kind] == columns


@pytest.mark.parametrize("name", NAMES)
def test_each_value_is_of_its_kind(town: Site, name: str) -> None:
    """A day can be read as one; no text is a word that people have in their language."""
    report, asked = _asked(name)
    said = ask(town, report, **asked)
    kinds = {column["name"]: column["kind"] for column in said["columns"]}
    values = [(kinds[name], row[name]) for row in said["rows"] for name in kinds]
    values += [(said["factKinds"][name], value) for name, value in said["facts"].items()]

    for kind, value in values:
        assert value is None or type(value) in TYPES[kind], (kind, value)
        if kind == "day" and value is not None:
            assert date.fromisoformat(value).isoformat() == value
        if kind == "text":
            assert f"term.{value}" not in TEXTS


@pytest.mark.parametrize("name", NAMES)
def test_csv_has_the_same_rows(town: Site, name: str) -> None:
    """Each value as CSV writes it."""
    report, asked = _asked(name)
    answer = town.client.get(f"/api/content/{report}.csv", query_string=asked)
    heads, *said = csv.reader(io.StringIO(answer.get_data(as_text=True), newline=""))

    truth = read_truth(name).rows
    assert heads == [*truth[0]]
    assert said == [[*map(_as_csv, row.values())] for row in truth]


@pytest.mark.parametrize("name", NAMES)
def test_the_command_has_the_same_rows(
    town: Site, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As JSON, as CSV and for people, of the same moment."""
    monkeypatch.setenv("COLUMNS", "1000")
    # Wide enough for all cells; how they are cut is tested with the frame.
    monkeypatch.setattr(terminal, "MAX_WIDTH", 1_000)
    clocks = SimpleNamespace(time=lambda: NOW, monotonic=lambda: 0.0)
    monkeypatch.setattr(cli_report, "time", clocks)
    report, more = _asked(name)
    options = [f"--set={option}={value}" for option, value in more.items()]

    def run(*form: str) -> str:
        url = town.tracker.settings.database_url
        asked = ["report", report, "--database-url", url, "--period", "30d", "--rows", "100"]
        ran = CliRunner().invoke(main, [*asked, *options, *form])
        assert ran.exit_code == 0, ran.output
        return ran.output

    truth = read_truth(name)
    assert json.loads(run("--json"))["rows"] == truth.rows
    csv_rows = [*csv.reader(io.StringIO(run("--csv"), newline=""))][1:]
    assert csv_rows == [[*map(_as_csv, row.values())] for row in truth.rows]
    assert run().splitlines() == write_lines(ask(town, report, **more), truth)


def test_what_became_of_the_views_of_one_page(town: Site) -> None:
    """Of 11 views of Install, three went on to the errors; six readers ended eight visits there."""
    assert rows(town, "paths", page="/guide/install/") == [
        ("jump", None, None, 3, 3, 0.2727),
        ("left", None, None, 6, 8, 0.7273),
    ]
    facts = ask(town, "paths", page="/faq/")["facts"]
    assert (facts["loads"], facts["searchedShare"]) == (10, 0.2), "as in the truth of completion"


def test_the_days_that_are_asked_for(town: Site) -> None:
    """Before the usual ones Zed and Ben were there; on one of these four pages were read."""
    before = {"from_": "2026-06-01", "to": "2026-06-10"}
    assert [row[:3] for row in rows(town, "not-found", **before)] == [("/before/", None, 1)]
    assert [row[3] for row in rows(town, "comments", **before)] == ["Too short"]
    day = {"from_": "2026-07-01", "to": "2026-07-01"}
    loads = {row[0]: row[2] for row in rows(town, "completion", **day)}
    pages = "/faq/", "/reference/errors/", "/reference/settings/", "/reference/api/"
    assert loads == dict.fromkeys(pages, 1)


def _asked(name: str) -> tuple[str, dict[str, int]]:
    """Return which report a truth is of, and the option that is on."""
    report, _, option = name.partition("+")
    return report, {option: 1} if option else {}


def _as_csv(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(_item, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _item(value: Any) -> str:
    is_reason = isinstance(value, dict)
    return f"{value['code']} {value['count']} ({value['points']})" if is_reason else value
