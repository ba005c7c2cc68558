"""Reports on request: what is asked, how often the database is, and what is answered."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from tests.server.conftest import CONTRACT, NOON, FakeClock, MakeSite, Site, session_id
from tests.server.content.manifests import deploy, page
from tracker_server.cleanup import prune_views
from tracker_server.database import open_reader
from tracker_server.errors import BusyError, InvalidQuestionError
from tracker_server.figures import (
    Count,
    Deploy,
    Figures,
    Filters,
    MissingPath,
    PageCount,
    PageFigures,
    Question,
    Read,
    Report,
    SectionFigures,
    Series,
)
from tracker_server.queries.report import read_report
from tracker_server.questions import parse_question
from tracker_server.reports import MAX_ANSWERS, MAX_WAITING, Reports
from tracker_server.statements import TOTALS
from tracker_server.wire import as_date, write_report

TODAY = 20_454
"""2026-01-01."""
FIRST_DAY = TODAY - 1_000
"""Of the first view that was ever counted."""
DAY = 86_400

INSTALL = ("/guide/install/", "Install", "page")
POST = ("/blog/2026/first-boil/", 'First boil: "fast" & <quiet>', "blog")
GONE = ("/gone/", None, "other")
QUESTION = Question("custom", 20_511, 20_513, "day", compare=True)
REPORT = Report(
    Figures(
        20_511,
        20_513,
        views=1_234,
        visitors=567,
        visits=600,
        read=Read(800, 61_234_567, 40_000_499, 50_000, 310, searched=44, bounced=120),
        series=Series(
            (20_511, 20_512, 20_513), (700, 0, 534), (400, 0, 300), (30_000_499, 0, 10_000_000)
        ),
    ),
    before=Figures(
        20_508,
        20_510,
        views=1_100,
        visitors=500,
        visits=520,
        read=Read(700, 50_000_000, 30_000_000, 42_000, 200, bounced=90),
        series=Series(
            (20_508, 20_509, 20_510),
            (400, 300, 400),
            (200, 180, 210),
            (10_000_000, 9_000_000, 11_000_000),
        ),
    ),
    raw_since=TODAY,
    deploys=(
        Deploy(20_513 * DAY + 34_200, "4f2a9c1", "v1.2"),
        Deploy(20_511 * DAY + 28_800, None, None),
    ),
    pages=(
        PageFigures(
            *INSTALL, 734, 500, (400, 0, 334), 450, 300, Read(500, 0, 30_000_000, 0, completed=250)
        ),
        PageFigures(
            *POST, 490, 90, (300, 0, 190), 150, 295, Read(300, 0, 10_000_000, 0, completed=60)
        ),
        PageFigures(*GONE, 10, 1, (0, 0, 10), 0, 5, Read()),
    ),
    entry_pages=(PageCount(*INSTALL, 450), PageCount(*POST, 150)),
    exit_pages=(PageCount(*INSTALL, 300), PageCount(*POST, 295), PageCount(*GONE, 5)),
    referrers=(Count("", 566), Count("search.example", 34)),
    campaigns=(Count("newsletter/email/spring", 21), Count("forum//", 4)),
    countries=(Count("AT", 1_000), Count("", 234)),
    languages=(Count("de", 1_234),),
    devices=(Count("large", 1_230), Count("small", 4)),
    browsers=(Count("Firefox", 1_000), Count("Safari", 200), Count("", 34)),
    versions=(Count("latest", 900), Count("1.2", 300)),
    feedback=(12, 3),
    not_found=(MissingPath("/guide/instal/", 7, (Count("old.example", 5), Count("", 2))),),
    bots=(Count("Googlebot", 40), Count("(other)", 2)),
    bot_views=42,
)


def _last(days: int, **more: Any) -> Question:
    return Question("30d", TODAY - days + 1, TODAY, **more)


@pytest.mark.parametrize(
    ("parameters", "question"),
    [
        pytest.param({}, _last(30), id="default"),
        pytest.param(
            {"period": "today"}, Question("today", TODAY, TODAY, "hour"), id="today-by-hour"
        ),
        pytest.param({"period": "7d"}, Question("7d", TODAY - 6, TODAY, "day"), id="7d"),
        pytest.param({"period": "90d"}, Question("90d", TODAY - 89, TODAY, "day"), id="90d"),
        pytest.param({"period": "12m"}, Question("12m", TODAY - 364, TODAY, "week"), id="12m"),
        pytest.param({"period": "all"}, Question("all", FIRST_DAY, TODAY, "month"), id="all"),
        pytest.param(
            {"period": "7d", "from": "2020-01-01"},
            Question("7d", TODAY - 6, TODAY),
            id="a-period-wins",
        ),
        pytest.param({"to": "2025-12-31"}, Question("custom", TODAY - 30, TODAY - 1), id="to"),
        pytest.param(
            {"period": "custom", "from": "2026-01-01"},
            Question("custom", TODAY, TODAY, "hour"),
            id="from",
        ),
        pytest.param(
            {"from": "1970-01-01", "to": "1970-01-01"},
            Question("custom", 0, 0, "hour"),
            id="epoch",
        ),
        pytest.param({"to": "1970-01-02"}, Question("custom", 0, 1), id="before-the-epoch"),
        pytest.param(
            {"from": "2149-06-05", "to": "2149-06-05"},
            Question("custom", 65_534, 65_534, "hour"),
            id="last-day",
        ),
        pytest.param({"grain": "month"}, _last(30, grain="month"), id="grain"),
        pytest.param(
            {"period": "7d", "grain": "hour"},
            Question("7d", TODAY - 6, TODAY, "hour"),
            id="hours-of-a-week",
        ),
        pytest.param({"compare": "1"}, _last(30, compare=True), id="compare"),
        pytest.param({"limit": "0"}, _last(30, max_rows=0), id="no-rows"),
        pytest.param({"limit": "1000"}, _last(30, max_rows=1_000), id="most-rows"),
        pytest.param({"pages": "11"}, _last(30, max_pages=11), id="fewer-pages"),
        pytest.param(
            {"page": "/guide/install/index.html?a#b"},
            _last(30, filters=Filters(page="/guide/install/")),
            id="page-is-normalised",
        ),
        pytest.param({"path": "/a/"}, _last(30, filters=Filters(page="/a/")), id="path"),
        pytest.param(
            {
                "referrer": "x.example",
                "country": "AT",
                "language": "de",
                "device": "",
                "browser": "Firefox",
                "campaign": "news/email/",
            },
            _last(30, filters=Filters(None, "x.example", "AT", "de", "", "Firefox", "news/email/")),
            id="filters",
        ),
        pytest.param({"other": "x"}, _last(30), id="unknown-parameter"),
    ],
)
def test_a_question_is_read_from_parameters(parameters: dict[str, str], question: Question) -> None:
    """What is left out has a default."""
    assert parse_question(parameters, TODAY, lambda: FIRST_DAY) == question


def test_all_has_no_more_days_than_a_report_may_have() -> None:
    """Not even of a tracker that is older, and one whose clock was set back has one day."""
    oldest = parse_question({"period": "all"}, TODAY, lambda: 0)
    newest = parse_question({"period": "all"}, TODAY, lambda: TODAY + 5)

    assert oldest.last_day - oldest.first_day + 1 == 3_660
    assert (newest.first_day, newest.last_day) == (TODAY, TODAY)


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
        pytest.param({"pages": "x"}, "pages: must be a whole number up to 1,000", id="pages"),
        pytest.param({"limit": "²"}, "limit: must be a whole number", id="superscript"),
        pytest.param({"path": "guide/"}, "path: must start with /", id="relative-path"),
        pytest.param({"page": "guide/"}, "page: must start with /", id="relative-page"),
        pytest.param(
            {"period": "1y"}, "period: must be one of today, 7d, 30d, 90d, 12m, all", id="period"
        ),
        pytest.param({"grain": "year"}, "grain: must be one of hour, day,", id="grain"),
        pytest.param(
            {"grain": "hour"}, "grain: must not be hour for more than 7 days", id="too-many-hours"
        ),
        pytest.param({"compare": "yes"}, "compare: must be 0 or 1", id="compare"),
        pytest.param(
            {"country": "x" * 101}, "country: must have at most 100 characters", id="long-entry"
        ),
    ],
)
def test_a_wrong_question_is_refused_by_name(parameters: dict[str, str], message: str) -> None:
    """The message says which parameter and what it must be."""
    with pytest.raises(InvalidQuestionError) as caught:
        parse_question(parameters, TODAY, lambda: FIRST_DAY)

    assert str(caught.value).startswith(message)


class _Reads:
    """A reader of reports that notes what it was asked."""

    def __init__(self) -> None:
        self.questions: list[Question] = []

    def __call__(self, question: Question) -> Report:
        self.questions.append(question)
        return REPORT


def test_the_same_question_is_read_once_in_ten_seconds() -> None:
    """Whoever asks meanwhile gets the same bytes; another question is another reading."""
    clock, reads = FakeClock(), _Reads()
    reports = Reports(reads, clock)
    first = reports.answer({})
    clock.advance(9.9)
    again = reports.answer({"limit": "50", "period": "30d"})
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

    assert len(reports._remembered) == MAX_ANSWERS
    assert [question.max_rows for question in reads.questions[MAX_ANSWERS:]] == [999, 1]


def test_filtered_reports_wait_for_each_other_and_not_without_end() -> None:
    """One is read at a time, a few wait, the next is refused; others go on meanwhile."""
    reading, going_on = threading.Event(), threading.Event()

    def read(question: Question) -> Report:
        if question.filters.country:
            reading.set()
            assert going_on.wait(10)
        return REPORT

    reports = Reports(read, FakeClock())
    questions = [{"country": "AT", "limit": str(number)} for number in range(MAX_WAITING)]
    with ThreadPoolExecutor(MAX_WAITING) as pool:
        answers = [pool.submit(reports.answer, question) for question in questions]
        assert reading.wait(10)
        while reports._room._value:
            time.sleep(0.001)
        with pytest.raises(BusyError):
            reports.answer({"country": "DE"})
        assert reports.answer({})
        going_on.set()
        assert all(answer.result(10) for answer in answers)
    assert reports.answer({"country": "DE"})


def test_write_report_writes_the_report_of_the_contract() -> None:
    """The contract's example is what its figures are written as, in the same order of keys."""
    expected = json.loads((CONTRACT / "report.json").read_text())
    written = json.loads(write_report(QUESTION, REPORT))

    assert written == expected
    assert list(written) == list(expected)
    assert as_date(20_511) == "2026-02-27"


def test_write_report_writes_the_sections_of_the_contract() -> None:
    """Of a page; shares are of the loads that said what they had in view."""
    rows = (
        SectionFigures("install", "Install", 1, 3, 40, 400_499, 10, gone=False),
        SectionFigures("with-pip", "With pip", 2, 3, 30, 61_000, 20, gone=False),
        SectionFigures("from-source", "From source", 2, 2, 10, 45_000, 10, gone=False),
        SectionFigures("build", "Build", 3, 5, 0, 0, 0, gone=False),
        SectionFigures("windows", "<Windows>", 2, 7, 1, 1_500, 0, gone=True),
    )
    expected = json.loads((CONTRACT / "sections.json").read_text())
    written = json.loads(write_report(QUESTION, replace(REPORT, sections=rows)))["sections"]

    assert written == expected
    assert list(written[0]) == list(expected[0])


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
    assert (report["views"], report["visitors"], report["visits"]) == (4, 2, 3)
    assert report["series"]["views"] == [0] * 28 + [3, 1]
    assert report["series"]["visitors"] == [0] * 28 + [2, 1]
    unread = {"activeSeconds": 0, "pageLoads": 0, "completed": 0}
    assert report["pages"] == [
        {
            "path": "/",
            "title": "Kettle",
            "type": "home",
            "views": 2,
            "visitors": 2,
            "trend": [0] * 28 + [1, 1],
            "entries": 1,
            "exits": 2,
            **unread,
        },
        {
            "path": "/guide/install/",
            "title": "Install",
            "type": "page",
            "views": 2,
            "visitors": 2,
            "trend": [0] * 28 + [2, 0],
            "entries": 2,
            "exits": 1,
            **unread,
        },
    ]
    assert report["referrers"] == [
        {"referrer": "", "visits": 2},
        {"referrer": "search.example", "visits": 1},
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
    assert report["series"] == {
        "starts": ["2026-01-02", "2026-01-03"],
        "views": [2, 2],
        "visitors": [2, 2],
        "activeSeconds": [0, 0],
    }
    assert report["pages"][0]["visitors"] == 3


def test_a_report_of_a_page_is_about_it_alone(site: Site) -> None:
    """Its figures, who viewed it, and where they went on from it."""
    site.view("/", reader=1)
    site.view("/faq/", reader=1, z="Europe/Vienna")
    site.view("/guide/install/", reader=1)
    site.view("/faq/", reader=2, r="https://search.example/")

    report = _report(site, "?page=/faq/&period=7d")
    assert report["filters"] == {**dict.fromkeys(report["filters"]), "page": "/faq/"}
    assert (report["views"], report["visitors"], report["visits"]) == (2, 2, 1)
    assert report["series"]["views"] == [0] * 6 + [2]
    assert [(row["path"], row["entries"], row["exits"]) for row in report["pages"]] == [
        ("/faq/", 1, 1)
    ]
    assert report["next"] == [
        {"path": "/guide/install/", "title": "Install", "type": "page", "count": 1}
    ]
    assert report["referrers"] == [{"referrer": "search.example", "visits": 1}]
    assert report["countries"] == [{"country": "", "views": 1}, {"country": "AT", "views": 1}]
    assert report["notFound"] is None


def test_a_report_of_a_page_that_nobody_viewed_is_all_zero(site: Site) -> None:
    """An unknown path is no error: it may be new."""
    report = _report(site, "?path=/never/&from=2025-12-31")

    assert (report["views"], report["visitors"], report["visits"]) == (0, 0, 0)
    assert report["series"]["views"] == report["series"]["visitors"] == [0, 0]
    assert report["pages"] == report["next"] == report["exitPages"] == []


@pytest.mark.parametrize(
    ("query", "links"),
    [
        pytest.param("page=/faq/", 2, id="drafts-and-itself-left-out"),
        pytest.param("page=/questions/", 2, id="former-path"),
        pytest.param("page=/faq/&country=DE", 2, id="with-a-filter"),
        pytest.param("page=/a/", 0, id="none"),
        pytest.param("page=/never/", None, id="no-page"),
        pytest.param("period=7d", None, id="whole-site"),
    ],
)
def test_a_report_of_a_page_counts_the_pages_that_link_to_it(
    make_site: MakeSite, query: str, links: int | None
) -> None:
    """Those of the manifest in force, as the report on pages that nobody reads does."""
    site = make_site()
    deploy(
        site,
        page("/a/", links=["/faq/", "/a/"]),
        page("/b/", links=["/faq/"]),
        page("/draft/", links=["/faq/", "/b/"], published=False),
        page("/faq/", links=["/faq/"], formerly=["/questions/"]),
    )
    site.view("/never/")

    assert _report(site, f"?{query}")["links"] == links


def test_links_are_not_known_where_the_manifest_names_none(make_site: MakeSite) -> None:
    """A build may leave them out, which is not to be taken for a page without any."""
    site = make_site()
    deploy(site, page("/a/"), page("/draft/", links=["/a/"], published=False))

    assert _report(site, "?page=/a/")["links"] is None


def test_filters_are_combined(site: Site) -> None:
    """A view counts if all of them fit; what they leave unknown is null."""
    site.view("/", reader=1, z="Europe/Vienna", g="de", w=400)
    site.view("/", reader=2, z="Europe/Vienna", g="en", w=400)
    site.view("/faq/", reader=3, z="Europe/Berlin", g="de", w=400)

    report = _report(site, "?country=AT&language=de&device=small&browser=")
    assert (report["views"], report["visitors"]) == (1, 1)
    assert [row["path"] for row in report["pages"]] == ["/"]
    assert report["countries"] == [{"country": "AT", "views": 1}]
    assert report["reading"] is report["series"]["activeSeconds"] is report["feedback"] is None
    assert (report["exact"], report["rawSince"]) == (True, None)
    assert _report(site, "?country=AT&page=/faq/")["views"] == 0
    assert _report(site, "?device=large")["pages"] == []


def test_browsers_are_told_by_the_user_agent(site: Site) -> None:
    """Its family alone; what is no browser, or says nothing, is unknown."""
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
    for number, agent in enumerate([firefox, firefox, "Links (2.29; Linux 6.1)"], 1):
        body = {"t": "view", "s": session_id(number), "l": f"{number:032x}", "p": "/"}
        site.client.post("/api/collect", data=json.dumps(body), headers={"User-Agent": agent})

    assert _report(site)["browsers"] == [
        {"browser": "Firefox", "views": 2},
        {"browser": "", "views": 1},
    ]
    assert _report(site, "?browser=Firefox")["views"] == 2
    assert not [row for row in site.rows("SELECT text FROM audience") if "145" in row[0]]


def test_a_filter_by_referrer_says_where_readers_arrived(site: Site) -> None:
    """How their visits went on has no referrer, so it is unknown where they ended."""
    site.view("/faq/", reader=1, r="https://search.example/?q=x")
    site.view("/", reader=1)

    report = _report(site, "?referrer=search.example")
    assert [(row["path"], row["count"]) for row in report["entryPages"]] == [("/faq/", 1)]
    assert report["exitPages"] is report["pages"][0]["exits"] is None


def test_campaigns_are_counted_by_visits(site: Site) -> None:
    """An address with one begins a visit; a filter shows where it led."""
    site.view("/faq/", reader=1)
    site.view("/", reader=1, q="?utm_source=News&utm_medium=email&utm_campaign=Spring")
    site.view("/faq/", reader=2, q="utm_source=news&utm_medium=email&utm_campaign=Spring&id=7")
    site.view("/", reader=2)
    site.view("/", reader=3, q="?utm_source=a%2Fb", r="https://search.example/")

    report = _report(site)
    assert (report["views"], report["visits"]) == (5, 4)
    assert report["campaigns"] == [
        {"campaign": "news/email/Spring", "visits": 2},
        {"campaign": "a%2Fb//", "visits": 1},
    ]
    spring = _report(site, "?campaign=news/email/Spring")
    assert (spring["views"], spring["campaigns"]) == (2, report["campaigns"][:1])
    assert [row["path"] for row in spring["entryPages"]] == ["/", "/faq/"]
    assert spring["exitPages"] is spring["pages"][0]["exits"] is None
    assert _report(site, "?campaign=")["views"] == 2
    assert _report(site, "?campaign=a%252Fb//&referrer=search.example")["views"] == 1
    of_page = _report(site, "?page=/faq/")["campaigns"]
    assert of_page == [{"campaign": "news/email/Spring", "visits": 1}]
    assert site.rows("SELECT text FROM campaign ORDER BY id") == [
        ("news/email/Spring",),
        ("(other)",),
        ("a%2Fb//",),
    ]


def test_hosts_of_one_owner_are_one_source(site: Site) -> None:
    """They are listed and filtered by together; then by host, of which each is a filter too."""
    hosts = [
        "www.google.de",
        "www.google.co.uk",
        "out.reddit.com",
        "m.kettle.co.uk",
        "kettle.co.uk",
    ]
    for reader, host in enumerate(hosts):
        site.view("/", reader=reader, r=f"https://{host}/")

    sources = {row["referrer"]: row["visits"] for row in _report(site)["referrers"]}
    assert sources == {"Google": 2, "Reddit": 1, "kettle.co.uk": 2}
    google = _report(site, "?referrer=Google")
    assert google["views"] == 2
    assert [row["referrer"] for row in google["referrers"]] == ["google.co.uk", "google.de"]
    assert _report(site, "?referrer=google.de")["views"] == 1
    assert _report(site, "?referrer=kettle.co.uk")["views"] == 2
    assert _report(site, "?referrer=m.kettle.co.uk")["views"] == 1


def test_the_period_before_has_as_many_days(site: Site) -> None:
    """Asked for, and only where there is one."""
    for reader, days in enumerate([0, 1, 8, 3]):
        site.view("/", reader=reader)
        site.clock.advance(days * DAY)

    report = _report(site, "?period=7d&compare=1")
    assert (report["from"], report["to"], report["views"]) == ("2026-01-07", "2026-01-13", 1)
    before = report["before"]
    assert (before["from"], before["to"], before["views"]) == ("2025-12-31", "2026-01-06", 3)
    assert before["series"]["views"] == [0, 2, 1, 0, 0, 0, 0]
    assert _report(site, "?period=7d")["before"] is None
    assert _report(site, "?period=all&compare=1")["before"] is None


def test_visitors_of_weeks_and_months_are_each_counted_once(site: Site) -> None:
    """The first part begins with the period; whoever came on several days of one is one."""
    for _ in range(5):  # Thursday to Monday.
        site.view("/", reader=1)
        site.clock.advance(DAY)

    weeks = _report(site, "?from=2026-01-01&to=2026-01-05&grain=week")["series"]
    months = _report(site, "?from=2025-12-30&to=2026-01-05&grain=month")["series"]
    assert weeks["starts"] == ["2026-01-01", "2026-01-05"]
    assert (weeks["views"], weeks["visitors"]) == ([4, 1], [1, 1])
    assert months["starts"] == ["2025-12-30", "2026-01-01"]
    assert (months["views"], months["visitors"]) == ([0, 5], [0, 1])


def test_hours_have_views_visitors_and_reading(site: Site) -> None:
    """Visitors of an hour come from raw views, and are unknown where these are gone."""
    site.view("/", reader=1, l="1" * 16)
    site.view("/faq/", reader=1)
    site.clock.advance(3_600)
    site.view("/", reader=2)
    site.send("leave", "/", reader=1, l="1" * 16, v=9_000, a=4_000, d=10)

    hours = _report(site, "?period=today")["series"]
    assert hours["starts"][12] == "2026-01-01T12:00:00Z"
    assert hours["views"][12:14] == [2, 1]
    assert hours["visitors"][12:14] == [1, 1]
    assert hours["activeSeconds"][12:14] == [0, 4]
    with site.tracker.engine.begin() as connection:
        connection.execute(update(TOTALS).values(raw_since=TODAY + 1))
    site.clock.advance(10)
    assert _report(site, "?period=today")["series"]["visitors"] == [None] * 24


def test_a_filtered_report_goes_back_as_far_as_the_raw_views(make_site: MakeSite) -> None:
    """It says so, and is exact for the days that it has."""
    site = make_site(retention_days=1)
    for reader in range(3):
        site.view("/", reader=reader)
        site.clock.advance(DAY)
    site.clock.advance(-DAY)
    with site.tracker.engine.begin() as connection:
        prune_views(connection, TODAY + 1, -1)

    report = _report(site, "?country=")
    assert (report["views"], report["exact"], report["rawSince"]) == (2, False, "2026-01-02")
    assert _report(site, "?country=&from=2026-01-02")["exact"] is True
    assert _report(site)["views"] == 3


def test_reading_raw_views_ends_when_the_time_is_up(site: Site) -> None:
    """The latest days are read first, so that the figures are exact from some day on."""
    for reader in range(4):
        site.view("/", reader=reader)
        site.clock.advance(DAY)
    question = Question("custom", TODAY, TODAY + 3, "day", filters=Filters(country=""))
    looks = iter([False, False, True])
    with open_reader(site.tracker.engine) as connection:
        report = read_report(connection, question, lambda: next(looks))

    assert (report.figures.views, report.raw_since, report.exact) == (2, TODAY + 2, False)
    assert report.figures.series.views == (0, 0, 1, 1)


def test_manifests_that_came_into_force_are_marked(make_site: MakeSite) -> None:
    """With commit and label where the manifest has them, the latest first."""
    site = make_site(manifest_token="secret-of-sixteen")
    for more in (
        {},
        {"commit": "4f2a9c1", "label": "v1.2"},
        {"commit": "4f2a9c1", "label": "v1.2"},
    ):
        document: dict[str, Any] = {"schema": 1, "site_name": "", "site_url": None, "pages": []}
        answer = site.client.put(
            "/api/manifest",
            json=document | more,
            headers={"Authorization": "Bearer secret-of-sixteen"},
        )
        assert answer.status_code == 204
        site.clock.advance(60)

    assert _report(site)["deploys"] == [
        {"at": "2026-01-01T12:01:00Z", "commit": "4f2a9c1", "label": "v1.2"},
        {"at": "2026-01-01T12:00:00Z", "commit": None, "label": None},
    ]
    assert _report(site, "?from=2025-12-01&to=2025-12-31")["deploys"] == []


def test_feedback_is_counted(site: Site) -> None:
    """Of the site, and of a page."""
    for path, rating in (("/", 1), ("/", 1), ("/", 0), ("/faq/", 1)):
        assert site.send("event", path, n="feedback", c=rating).status_code == 204

    assert _report(site)["feedback"] == {"positive": 3, "negative": 1}
    assert _report(site, "?page=/")["feedback"] == {"positive": 2, "negative": 1}


def test_too_many_filtered_reports_are_503(site: Site) -> None:
    """Who asks is told when to come again."""
    with ExitStack() as stack:
        for _ in range(MAX_WAITING):
            stack.enter_context(site.tracker.reports._room)
        answer = site.client.get("/api/report?country=AT")
        assert site.client.get("/api/report").status_code == 200

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert site.client.get("/api/report?country=AT").status_code == 200


def test_a_visitor_who_is_sealed_and_came_again_is_one(site: Site) -> None:
    """The set of the day and the row that is not yet in it may both have the same visitor."""
    site.view("/", reader=1)
    site.view("/", reader=2)
    site.clock.advance(1_800)
    site.tracker.recorder.clean_up()
    site.view("/", reader=1)
    site.view("/", reader=3)

    report = _report(site, "?from=2026-01-01&grain=day")
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


def test_the_list_of_pages_may_be_shorter_than_the_others(site: Site) -> None:
    """As on the page, which shows fewer and says only that there are more."""
    for number in range(5):
        site.view(f"/{number}/", reader=number)

    report = _report(site, "?pages=2")
    assert [row["path"] for row in report["pages"]] == ["/0/", "/1/"]
    assert len(report["entryPages"]) == 5


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
