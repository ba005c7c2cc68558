"""Reports on request: what is asked, how often the database is, and what is answered."""

import json
from typing import Any

import pytest

from tests.server.conftest import CONTRACT, NOON, FakeClock, MakeSite, Site
from tracker_server.errors import InvalidQuestionError
from tracker_server.model import Count, DayFigures, MissingPath, PageFigures, Period, Read
from tracker_server.reports import MAX_ANSWERS, Question, Reports, parse_question
from tracker_server.wire import as_date, write_period

TODAY = 20_454
"""2026-01-01."""
DAY = 86_400
PERIOD = Period(
    views=1_234,
    visitors=567,
    days=(
        DayFigures(20_511, 700, 400),
        DayFigures(20_512, 0, 0),
        DayFigures(20_513, 534, 300),
    ),
    read=Read(loads=800, visible=61_234_567, active=40_000_499, depth=50_000),
    pages=(
        PageFigures("/guide/install/", "Install", "page", 734, 500),
        PageFigures("/blog/2026/first-boil/", 'First boil: "fast" & <quiet>', "blog", 490, 90),
        PageFigures("/gone/", None, "other", 10, 1),
    ),
    referrers=(Count("", 1_200), Count("search.example", 34)),
    countries=(Count("AT", 1_000), Count("", 234)),
    languages=(Count("de", 1_234),),
    devices=(Count("large", 1_230), Count("small", 4)),
    not_found=(MissingPath("/guide/instal/", 7, (Count("old.example", 5), Count("", 2))),),
)


@pytest.mark.parametrize(
    ("parameters", "question"),
    [
        pytest.param({}, Question(TODAY - 29, TODAY, None, 50), id="default"),
        pytest.param({"to": "2025-12-31"}, Question(TODAY - 30, TODAY - 1, None, 50), id="to"),
        pytest.param({"from": "2026-01-01"}, Question(TODAY, TODAY, None, 50), id="today"),
        pytest.param(
            {"from": "1970-01-01", "to": "1970-01-01"}, Question(0, 0, None, 50), id="epoch"
        ),
        pytest.param({"to": "1970-01-02"}, Question(0, 1, None, 50), id="before-the-epoch"),
        pytest.param(
            {"from": "2149-06-05", "to": "2149-06-05"},
            Question(65_534, 65_534, None, 50),
            id="last-day",
        ),
        pytest.param({"limit": "0"}, Question(TODAY - 29, TODAY, None, 0), id="no-rows"),
        pytest.param({"limit": "1000"}, Question(TODAY - 29, TODAY, None, 1_000), id="most-rows"),
        pytest.param(
            {"path": "/guide/install/index.html?a#b"},
            Question(TODAY - 29, TODAY, "/guide/install/", 50),
            id="path-is-normalised",
        ),
        pytest.param({"other": "x"}, Question(TODAY - 29, TODAY, None, 50), id="unknown-parameter"),
    ],
)
def test_a_question_is_read_from_parameters(parameters: dict[str, str], question: Question) -> None:
    """What is left out has a default."""
    assert parse_question(parameters, TODAY) == question


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        pytest.param({"from": ""}, "from: must be a day such as 2026-01-31", id="empty"),
        pytest.param({"from": "20260101"}, "from: must be a day such as", id="without-dashes"),
        pytest.param({"from": "2026-W01-1"}, "from: must be a day such as", id="week"),
        pytest.param({"from": "2026-02-30"}, "from: must be a day such as", id="no-such-day"),
        pytest.param({"to": "٢٠٢٦-01-01"}, "to: must be a day such as", id="other-digits"),
        pytest.param({"to": "0001-01-01"}, "to: must be a day from 1970 to 2149", id="too-early"),
        pytest.param({"to": "2149-06-07"}, "to: must be a day from 1970 to 2149", id="too-late"),
        pytest.param({"from": "2026-01-02"}, "from: must not be after to", id="after-today"),
        pytest.param(
            {"from": "2010-01-01"}, "from: must be less than 3,660 days before to", id="too-many"
        ),
        pytest.param({"limit": "-1"}, "limit: must be a whole number up to 1,000", id="negative"),
        pytest.param({"limit": "1001"}, "limit: must be a whole number", id="too-many-rows"),
        pytest.param({"limit": "9" * 5_000}, "limit: must be a whole number", id="5000-digits"),
        pytest.param({"limit": "²"}, "limit: must be a whole number", id="superscript"),
        pytest.param({"path": "guide/"}, "path: must start with /", id="relative-path"),
    ],
)
def test_a_wrong_question_is_refused_by_name(parameters: dict[str, str], message: str) -> None:
    """The message says which parameter and what it must be."""
    with pytest.raises(InvalidQuestionError) as caught:
        parse_question(parameters, TODAY)

    assert str(caught.value).startswith(message)


class _Reads:
    """A reader of reports that notes what it was asked."""

    def __init__(self) -> None:
        self.questions: list[Question] = []

    def __call__(self, question: Question) -> Period:
        self.questions.append(question)
        return PERIOD


def test_the_same_question_is_read_once_in_ten_seconds() -> None:
    """Whoever asks meanwhile gets the same bytes; another question is another reading."""
    clock, reads = FakeClock(), _Reads()
    reports = Reports(reads, clock)
    first = reports.answer({})
    clock.advance(9.9)
    again = reports.answer({"limit": "50", "to": "2026-01-01"})
    other = reports.answer({"limit": "49"})
    clock.advance(0.1)
    reports.answer({})

    assert first is again
    assert other == first
    assert [question.max_rows for question in reads.questions] == [50, 49, 50]


def test_a_clock_that_was_set_back_reads_anew() -> None:
    """An answer from the future is not kept until the clock has caught up."""
    clock, reads = FakeClock(), _Reads()
    reports = Reports(reads, clock)
    reports.answer({})
    clock.advance(-1)
    reports.answer({})

    assert len(reads.questions) == 2


def test_the_number_of_kept_answers_is_bounded() -> None:
    """However many questions are asked: the least recently asked is forgotten first."""
    reads = _Reads()
    reports = Reports(reads, FakeClock())
    for limit in range(MAX_ANSWERS):
        reports.answer({"limit": str(limit)})
    reports.answer({"limit": "0"})
    reports.answer({"limit": "999"})
    reports.answer({"limit": "0"})
    reports.answer({"limit": "1"})

    assert len(reports._answers) == MAX_ANSWERS
    assert [question.max_rows for question in reads.questions[MAX_ANSWERS:]] == [999, 1]


def test_write_period_writes_the_report_of_the_contract() -> None:
    """The contract's example is what its figures are written as, in the same order of keys."""
    expected = json.loads((CONTRACT / "report.json").read_text())
    written = json.loads(write_period(20_511, 20_513, None, PERIOD))

    assert written == expected
    assert list(written) == list(expected)
    assert as_date(20_511) == "2026-02-27"


def _report(site: Site, query: str = "") -> dict[str, Any]:
    answer = site.client.get("/api/report" + query)
    assert answer.status_code == 200
    document = answer.get_json()
    assert isinstance(document, dict)
    return document


def test_a_report_of_the_site(site: Site) -> None:
    """Views and visitors of some days, and where they came from."""
    site.view("/guide/install/", reader=1, r="https://search.example/", z="Europe/Vienna", g="de")
    site.view("/guide/install/", reader=2, w=400)
    site.view("/", reader=2, w=400)
    site.send("event", "/guide/instal/", reader=2, n="not_found", r="https://old.example/x")
    site.clock.advance(DAY)
    site.view("/", reader=1, z="Europe/Vienna", g="de-AT")

    report = _report(site)
    assert (report["from"], report["to"], report["path"]) == ("2025-12-04", "2026-01-02", None)
    assert (report["views"], report["visitors"]) == (4, 2)
    assert report["series"]["views"] == [0] * 28 + [3, 1]
    assert report["series"]["visitors"] == [0] * 28 + [2, 1]
    assert report["pages"] == [
        {"path": "/", "title": "Kettle", "type": "home", "views": 2, "visitors": 2},
        {"path": "/guide/install/", "title": "Install", "type": "page", "views": 2, "visitors": 2},
    ]
    assert report["referrers"] == [
        {"referrer": "", "views": 3},
        {"referrer": "search.example", "views": 1},
    ]
    assert report["countries"] == [{"country": "", "views": 2}, {"country": "AT", "views": 2}]
    assert report["languages"] == [{"language": "", "views": 2}, {"language": "de", "views": 2}]
    assert report["devices"] == [{"device": "", "views": 2}, {"device": "small", "views": 2}]
    assert report["notFound"] == [
        {
            "path": "/guide/instal/",
            "count": 1,
            "referrers": [{"referrer": "old.example", "count": 1}],
        }
    ]


def test_a_report_of_days_leaves_the_others_out(site: Site) -> None:
    """Both ends are included, and nothing beyond them."""
    for day in range(4):
        site.view("/", reader=day)
        site.view("/", reader=9)
        site.clock.advance(DAY)

    report = _report(site, "?from=2026-01-02&to=2026-01-03")
    assert (report["views"], report["visitors"]) == (4, 3)
    assert report["series"] == {"from": "2026-01-02", "views": [2, 2], "visitors": [2, 2]}
    assert report["pages"][0]["visitors"] == 3


def test_a_report_of_a_page_has_its_figures_and_no_lists(site: Site) -> None:
    """Views and visitors of that page alone."""
    site.view("/", reader=1)
    site.view("/faq/", reader=1)
    site.view("/faq/", reader=2)

    report = _report(site, "?path=/faq/&from=2026-01-01")
    assert report == {
        "from": "2026-01-01",
        "to": "2026-01-01",
        "path": "/faq/",
        "views": 2,
        "visitors": 2,
        "series": {"from": "2026-01-01", "views": [2], "visitors": [2]},
        "reading": {"pageLoads": 0, "visibleSeconds": 0, "activeSeconds": 0, "scrollDepth": None},
    }


def test_a_report_of_a_page_that_nobody_viewed_is_all_zero(site: Site) -> None:
    """An unknown path is no error: it may be new."""
    report = _report(site, "?path=/never/&from=2025-12-31")

    assert (report["views"], report["visitors"]) == (0, 0)
    assert report["series"] == {"from": "2025-12-31", "views": [0, 0], "visitors": [0, 0]}


def test_a_visitor_who_is_sealed_and_came_again_is_one(site: Site) -> None:
    """The set of the day and the row that is not yet in it may both have the same visitor."""
    site.view("/", reader=1)
    site.view("/", reader=2)
    site.clock.advance(1_800)
    site.tracker.recorder.clean_up()
    site.view("/", reader=1)
    site.view("/", reader=3)

    report = _report(site, "?from=2026-01-01")
    assert site.rows("SELECT count(*) FROM visit") == [(2,)]
    assert (report["views"], report["visitors"]) == (4, 3)
    assert report["series"]["visitors"] == [3]
    assert report["pages"][0]["visitors"] == 3


def test_views_beyond_the_bound_of_paths_are_listed_as_other(make_site: MakeSite) -> None:
    """What does not fit counts in the totals, and as the entry for the rest."""
    site = make_site(max_unknown_paths=0, manifest=str(CONTRACT / "manifest.json"))
    for number in range(3):
        site.view(f"/unknown-{number}/", reader=1)

    report = _report(site)
    assert report["views"] == 1  # Within the window they are the same entry's view.
    assert [row["path"] for row in report["pages"]] == ["(other)"]


def test_a_limit_cuts_each_list(site: Site) -> None:
    """And nothing else."""
    for number in range(5):
        site.view(f"/{number}/", reader=number, r=f"https://r{number}.example/")

    report = _report(site, "?limit=2")
    assert [row["path"] for row in report["pages"]] == ["/0/", "/1/"]
    assert len(report["referrers"]) == 2
    assert report["views"] == 5


def test_an_unchanged_report_is_304(site: Site) -> None:
    """Who has the figures already gets them again only when they change."""
    first = site.client.get("/api/report")
    header = {"If-None-Match": first.headers["ETag"]}
    same = site.client.get("/api/report", headers=header)
    site.view("/")
    site.clock.advance(10)
    other = site.client.get("/api/report", headers=header)

    assert (first.status_code, same.status_code, other.status_code) == (200, 304, 200)


def test_a_wrong_parameter_is_400_with_the_reason(site: Site) -> None:
    """Readable to a page of the site as well, and remembered by nobody."""
    headers = {"Origin": "https://kettle.example"}
    answer = site.client.get("/api/report?from=yesterday", headers=headers)

    assert answer.status_code == 400
    assert answer.get_json() == {"error": "from: must be a day such as 2026-01-31"}
    assert answer.headers["Access-Control-Allow-Origin"] == "https://kettle.example"
    assert "ETag" not in answer.headers


def test_today_is_the_servers_day(site: Site) -> None:
    """Days are days in UTC: a minute before midnight it is still the day before."""
    assert NOON % DAY == DAY / 2
    site.clock.advance(DAY / 2 - 60)
    before = _report(site)["to"]
    site.clock.advance(60)

    assert (before, _report(site)["to"]) == ("2026-01-01", "2026-01-02")
