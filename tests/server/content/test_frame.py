"""What all content reports have in common: parameters, JSON, CSV, pages, the terminal, bounds."""

import csv
import io
import json
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner

from tests.server.conftest import Site
from tests.server.content.asking import ask
from tracker_server.address import Address
from tracker_server.catalogue import REPORTS
from tracker_server.cli import main
from tracker_server.content_answers import ContentAnswers
from tracker_server.errors import InvalidQuestionError
from tracker_server.exports import write_csv, write_table
from tracker_server.table_view import NOTHING, make_view
from tracker_server.tables import (
    Column,
    ContentReport,
    Kind,
    Option,
    PageRef,
    Reason,
    Table,
    TableQuestion,
    Value,
)
from tracker_server.terminal import Style
from tracker_server.terminal_table import render_table
from tracker_server.texts import LANGUAGES, Texts

NAMES = [report.name for report in REPORTS]
QUESTION = TableQuestion("searches", "7d", 10, 16, 16, 2)
TABLE = Table(
    (
        Column("path", "page"),
        Column("query", "text"),
        Column("searches", "number"),
        Column("meanResults", "decimal"),
        Column("clicked", "page"),
        Column("list", "list"),
        Column("flag", "flag"),
        Column("how", "term"),
        Column("language", "language"),
    ),
    (
        (PageRef("/a/", "A"), "=1+1", 1_234, 2.5, None, ("x", "y"), True, "next", "de"),
        (
            PageRef("/b/", None),
            'say "hi", twice',
            0,
            0.0,
            PageRef("/a/", "A"),
            (),
            False,
            "link",
            "xx",
        ),
        (None, "third", None, None, None, (), False, None, None),
    ),
    {"searches": 3, "share": 0.5, "rate": 12.5, "name": "first", "none": None},
    "redirects:\n  a: b",
    {"rate": "decimal", "share": "share", "name": "text"},
)

RATE: dict[str, Kind] = {"ratePerThousand": "decimal", "positiveShare": "share"}
MINUS = "\N{MINUS SIGN}"
WRITTEN: list[tuple[Kind, Value, str, str, str]] = [
    ("page", PageRef("/a/", "A"), "A", "A", "/a/"),
    ("page", PageRef("/a/", None), "/a/", "/a/", "/a/"),
    ("page", None, NOTHING, NOTHING, "-"),
    ("text", "some words", "some words", "some words", "some words"),
    ("term", "next", "Next page", "Nächste Seite", "Next page"),
    ("language", "de", "German", "Deutsch", "German"),
    ("code", "#set-up", "#set-up", "#set-up", "#set-up"),
    ("number", 1_234, "1,234", "1.234", "1,234"),
    ("number", None, NOTHING, NOTHING, "-"),
    ("decimal", 1_234.5, "1,234.5", "1.234,5", "1,234.5"),
    ("share", 0.3, "30.0%", "30,0_%", "30.0%"),
    ("change", 0.4, "+40%", "+40_%", "+40%"),
    ("change", -0.051, f"{MINUS}5.1%", f"{MINUS}5,1_%", "-5.1%"),
    ("change", 54.7311, "+5,473%", "+5.473_%", "+5,473%"),
    ("change", 0.0, "±0%", "±0_%", "±0%"),
    ("points", 0.1667, "+17 points", "+17 Punkte", "+17 points"),
    ("points", -0.321, f"{MINUS}32 points", f"{MINUS}32 Punkte", "-32 points"),
    ("points", 0.0, "±0 points", "±0 Punkte", "±0 points"),
    ("seconds", 125.4, "2_min 5_s", "2_min 5_s", "2:05"),
    ("day", "2026-11-01", "Nov 1, 2026", "1. Nov. 2026", "2026-11-01"),
    ("days", 1_063, "1,063 days", "1.063 Tage", "1,063 days"),  # codespell:ignore tage
    ("days", 1, "1 day", "1 Tag", "1 day"),
    ("flag", True, "yes", "ja", "yes"),
    ("flag", False, NOTHING, NOTHING, "-"),
    ("list", ("x", "y"), "x, y", "x, y", "x, y"),
    ("list", (), NOTHING, NOTHING, "-"),
    (
        "reasons",
        (Reason("no-result", "searches", 1_200, 1_200.0), Reason("unlinked", "never-read", 1, 1.0)),
        "1,200 searches without a result (1,200.0), nothing on the site leads to it (1.0)",
        "1.200 Suchen ohne Treffer (1.200,0), nichts auf der Website führt zu ihr (1,0)",
        "no-result 1,200, unlinked 1",
    ),
]
"""Of each kind some values, as the page writes them in English and German, and the terminal; a
space at which no line ends is a `_`."""
OF_FACTS = {kind for kind in get_args(Kind) if kind not in {"page", "list", "reasons"}}


def _report() -> dict[str, object]:
    found = json.loads(write_table(QUESTION, TABLE))
    assert isinstance(found, dict)
    return found


def test_json_has_the_names_of_the_columns() -> None:
    """A page has two: its path and its title. Rows beyond the limit are counted."""
    report = _report()

    assert (report["from"], report["to"]) == ("1970-01-11", "1970-01-17")
    assert report["rowCount"] == 3
    assert report["rows"] == [
        {
            "path": "/a/",
            "title": "A",
            "query": "=1+1",
            "searches": 1_234,
            "meanResults": 2.5,
            "clicked": None,
            "clickedTitle": None,
            "list": ["x", "y"],
            "flag": True,
            "how": "next",
            "language": "de",
        },
        {
            "path": "/b/",
            "title": None,
            "query": 'say "hi", twice',
            "searches": 0,
            "meanResults": 0.0,
            "clicked": "/a/",
            "clickedTitle": "A",
            "list": [],
            "flag": False,
            "how": "link",
            "language": "xx",
        },
    ]


def test_json_says_how_facts_are_read() -> None:
    """As the report says, whatever there is to say; else as a whole number."""
    assert _report()["factKinds"] == {
        "searches": "number",
        "share": "share",
        "rate": "decimal",
        "name": "text",
        "none": "number",
    }


def test_a_fact_is_written_as_it_is_read() -> None:
    """A rate of the page and of the terminal is no percentage; what nobody knows is a dash."""
    table = Table((), (), {"ratePerThousand": 12.5, "positiveShare": None}, "", RATE)
    report = json.loads(write_table(QUESTION, table))
    view = make_view(report, Address({}), Texts("de"), None)

    assert [text for _name, text in view.facts] == ["12,5", NOTHING]
    shown = render_table(report, Style(80), Texts("en"))
    assert "Ratings per 1,000 reads: 12.5   Positive: -" in shown


def test_csv_is_read_back_by_any_reader() -> None:
    """Quotes, commas and lists; a formula is a text; lines end as RFC 4180 says."""
    data = write_csv(_report())

    assert data.count(b"\r\n") == 3
    assert list(csv.reader(io.StringIO(data.decode(), newline=""))) == [
        [
            *("path", "title", "query", "searches", "meanResults", "clicked", "clickedTitle"),
            *("list", "flag", "how", "language"),
        ],
        ["/a/", "A", "'=1+1", "1234", "2.5", "", "", "x; y", "true", "next", "de"],
        ["/b/", "", 'say "hi", twice', "0", "0.0", "/a/", "A", "", "false", "link", "xx"],
    ]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff20"])
def test_no_cell_is_a_formula(begin: str) -> None:
    """Whatever a spreadsheet might run has an apostrophe before it; numbers have none."""
    table = Table((Column("query", "text"), Column("searches", "number")), ((f"{begin}1", -1),))
    data = write_csv(json.loads(write_table(QUESTION, table))).decode()
    read = list(csv.reader(io.StringIO(data, newline="")))

    assert read[1] == [f"'{begin}1", "-1"]


@pytest.mark.parametrize(
    "text", ["x;=1+1|'/C calc'!A0;y", "x; =1+1", "a;;@b", 'a;\t"=b', "a\r=b", "a;\tb"]
)
def test_no_cell_is_a_formula_where_semicolons_separate(text: str) -> None:
    """So a program reads the file whose decimals have commas."""
    table = Table((Column("path", "page"), Column("query", "text")), ((PageRef("/", None), text),))
    data = write_csv(json.loads(write_table(QUESTION, table))).decode()
    read = list(csv.reader(io.StringIO(data, newline=""), delimiter=";"))

    assert not [cell for row in read for cell in row if cell.strip()[:1] in {*"=+-@"}]
    assert data.count("'") == text.count("'") + 1


def test_every_kind_is_written_somehow() -> None:
    """Here are values of all kinds that there are."""
    assert {kind for kind, *_ in WRITTEN} == {*get_args(Kind)}


@pytest.mark.parametrize(("kind", "value", "english", "german", "terminal"), WRITTEN)
def test_a_value_is_written_as_its_kind(
    kind: Kind, value: Value, english: str, german: str, terminal: str
) -> None:
    """In a cell and, where it may be one, as a fact; the page in either language."""
    facts = {"searches": value} if kind in OF_FACTS and not isinstance(value, bool) else {}
    kinds = dict.fromkeys(facts, kind)
    table = Table((Column("query", kind),), ((value,),), facts, "", kinds)  # type: ignore[arg-type]
    report = json.loads(write_table(QUESTION, table))
    lines = render_table(report, Style(80), Texts("en")).splitlines()

    assert lines[-1].strip() == terminal
    assert lines[1] == (f"Searches: {terminal}" if facts else "")
    for language, written in (("en", english), ("de", german)):
        view = make_view(report, Address({}), Texts(language), None)
        cell = view.rows[0][0]
        reasons = [f"{said} ({points})" for said, _link, points in cell.reasons]
        assert (cell.text or ", ".join(reasons)).replace("\u00a0", "_") == written
        assert [text.replace("\u00a0", "_") for _, text in view.facts] == [written] * len(facts)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize(("kind", "value", "terminal"), [(*row[:2], row[-1]) for row in WRITTEN])
def test_the_terminal_shows_every_kind(kind: Kind, value: Value, terminal: str, width: int) -> None:
    """No line is wider than the terminal, none has what it would obey."""
    columns = Column("path", "page"), Column("query", "text"), Column("how", kind)
    row = PageRef("/a/", "A"), "\x1b[31mred" + "x" * 200, value
    table = Table(columns, (row,))
    shown = render_table(json.loads(write_table(QUESTION, table)), Style(width), Texts("en"))
    last = shown.splitlines()[-1].rsplit("  ", 1)[-1]

    assert "\x1b" not in shown
    assert last == terminal or (last[-1] == "~" and terminal.startswith(last[:-1]))
    assert max(map(len, shown.splitlines())) <= width


def test_words_are_those_of_the_reader() -> None:
    """In the terminal and on the page; a language without a name is its code."""
    table = Table(TABLE.columns[-2:], tuple(row[-2:] for row in TABLE.rows))
    report = json.loads(write_table(QUESTION, table))
    lines = render_table(report, Style(80), Texts("de")).splitlines()
    view = make_view(report, Address({}, "/stats/content/searches"), Texts("en"), None)

    assert [[cell for cell in line.split("  ") if cell] for line in lines[3:5]] == [
        ["Nächste Seite", "Deutsch"],
        ["Verlinkte Seite", "xx"],
    ]
    assert [[cell.text for cell in row] for row in view.rows] == [
        ["Next page", "German"],
        ["Linked page", "xx"],
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_report_has_its_texts(site: Site, name: str, language: str) -> None:
    """An empty database has an empty report on each of the ways, in each language."""
    page = site.client.get(f"/stats/content/{name}", query_string={"lang": language})
    texts = Texts(language)
    found = ask(site, name)

    assert page.status_code == 200
    assert texts(f"content.{name}") in page.get_data(as_text=True)
    for column in found["columns"]:
        assert texts(f"table.{column['name']}")
    for fact in found["facts"]:
        assert texts(f"fact.{fact}")
    assert render_table(found, Style(80), texts)
    listed = site.client.get("/stats/content", query_string={"lang": language})
    assert f'href="/stats/content/{name}' in listed.get_data(as_text=True)


@pytest.mark.parametrize("name", NAMES)
def test_every_report_has_a_page_of_documentation(name: str) -> None:
    """It says what the report is, how it is counted and what to do about it."""
    docs = Path(__file__).parents[3] / "docs" / "reports"

    title = Texts("en")(f"content.{name}")
    assert f"| [{title}](reports/{name}.md) |" in (docs.parent / "reports.md").read_text()
    text = (docs / f"{name}.md").read_text()
    assert text.startswith(f"# {title}\n")
    assert f"GET /api/content/{name}" in text
    assert f"](../images/reports/{name}.png)" in text
    assert "## What to do" in text


@pytest.mark.parametrize("name", NAMES)
def test_every_fact_is_documented(site: Site, name: str) -> None:
    """On the page of its report, above how it is counted."""
    docs = Path(__file__).parents[3] / "docs" / "reports"
    said, _, _ = (docs / f"{name}.md").read_text().partition("## How it is counted")

    assert [fact for fact in ask(site, name)["facts"] if f"`{fact}`" not in said] == []


@pytest.mark.parametrize("report", ["nothing", "searches.pdf", "searches.csv.csv"])
def test_what_is_no_report_is_not_found(site: Site, report: str) -> None:
    """The answer names those that there are."""
    answer = site.client.get(f"/api/content/{report}")

    assert answer.status_code == 404
    assert "searches" in answer.get_json()["error"]
    page = site.client.get(f"/stats/content/{report}")
    assert page.status_code == 404
    assert f"<code>/stats/content/{report}</code>" in page.get_data(as_text=True)


@pytest.mark.parametrize("report", ["paths", "versions", "languages"])
def test_nothing_is_counted_before_the_first_view(site: Site, report: str) -> None:
    """Thirty days are asked for; on the first day there is but that day."""
    assert ask(site, report)["facts"]["since"] == "2026-01-01"
    site.clock.advance(3 * 86_400)
    site.view("/")
    site.clock.advance(86_400)

    assert ask(site, report)["facts"]["since"] == "2026-01-04"


@pytest.mark.parametrize("report", ["sections", "paths"])
def test_a_page_of_which_nothing_is_known_is_named(site: Site, report: str) -> None:
    """A slash that was forgotten is the usual reason, and nothing is wrong with the script."""
    page = site.client.get(f"/stats/content/{report}?page=/guide/install").get_data(as_text=True)

    assert "Nothing is known of /guide/install in these days." in page


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("period", "1y"), ("from", "2026-02-30"), ("limit", "1001"), ("limit", "-1")],
)
def test_a_wrong_parameter_is_named(site: Site, parameter: str, value: str) -> None:
    """It is refused alike for programs and people."""
    site.view("/")
    query = {parameter: value}
    answer = site.client.get("/api/content/searches", query_string=query)

    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith(parameter)
    assert site.client.get("/stats/content/searches", query_string=query).status_code == 400


def test_options_have_bounds() -> None:
    """A whole number from one bound to the other, the default without one."""
    asked: list[TableQuestion] = []

    def read(_report: ContentReport, question: TableQuestion) -> Table:
        asked.append(question)
        return Table((), ())

    report = ContentReport("some", lambda *_: Table((), ()), (Option("age", 30, 1, 365),))
    content = ContentAnswers((report,), read, lambda: 1e9)
    for text in ("0", "366", "-1", "1.5", "x", "", "\u0661", "9" * 10):
        with pytest.raises(InvalidQuestionError, match="age: must be a whole number from 1 to 365"):
            content.answer("some", {"age": text})
    content.answer("some", {})
    content.answer("some", {"age": "365"})
    content.answer("some", {"age": "365", "ignored": "1"})

    assert [question.option("age") for question in asked] == [30, 365]


def test_an_option_can_be_a_text() -> None:
    """Empty without one, and no longer than texts of other parameters."""
    asked: list[TableQuestion] = []

    def read(_report: ContentReport, question: TableQuestion) -> Table:
        asked.append(question)
        return Table((), ())

    report = ContentReport("some", lambda *_: Table((), ()), (Option("word", "", 0, 10),))
    content = ContentAnswers((report,), read, lambda: 1e9)
    said = "word: must have at most 10 characters, all of them printable"
    for text in ("x" * 11, "a\nb", "\0", "\udcff"):
        with pytest.raises(InvalidQuestionError, match=said):
            content.answer("some", {"word": text})
    for text in ("x" * 10, "7", "<b>\"Ü'"):
        content.answer("some", {"word": text})
    content.answer("some", {})
    content.answer("some", {"word": ""})

    assert [question.said("word") for question in asked] == ["x" * 10, "7", "<b>\"Ü'", ""]


def test_a_file_of_csv_is_offered_under_its_name(site: Site) -> None:
    """It is not shown as a page, whatever a query says."""
    site.send("event", "/", n="search", k="<script>", c=0)
    answer = site.client.get("/api/content/searches.csv")

    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="searches.csv"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.get_data().splitlines()[1].startswith(b"<script>,1,1,0,")


@pytest.mark.sqlite_only("the command reads its file")
def test_the_command_prints_a_report(site: Site) -> None:
    """For people, as JSON, as CSV; from the file that a tracker writes meanwhile."""
    site.view("/")
    site.send("event", "/", n="search", k="kettle on fire", c=0)
    url = site.tracker.settings.database_url

    def run(*more: str) -> str:
        ran = CliRunner().invoke(main, ["report", "searches", "--database-url", url, *more])
        assert ran.exit_code == 0, ran.output
        return ran.output

    def refuse(*more: str) -> str:
        ran = CliRunner().invoke(main, ["report", *more, "--database-url", url])
        assert ran.exit_code == 2, ran.output
        return ran.stderr

    assert "stale has no option 'min_day'; it has min_days" in refuse("stale", "--set", "min_day=3")
    assert "searches has no option 'k'; it has none" in refuse("searches", "--set", "k=3")
    assert "no option 'period'" in refuse("stale", "--set", "period=7d")
    assert "of one page are" in refuse("stale", "--page", "/")
    assert "kettle on fire" in run("--period", "all")
    assert all(name in run("--help") for name in NAMES)
    assert json.loads(run("--period", "all", "--json"))["rows"][0]["query"] == "kettle on fire"
    assert run("--period", "all", "--csv").splitlines()[1].startswith("kettle on fire,1,1")
