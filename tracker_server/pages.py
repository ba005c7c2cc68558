"""The HTML that people look at: everything is rendered here, and a script keeps it moving."""

import json
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from tracker_server.address import Address
from tracker_server.answers import asked_language, section
from tracker_server.cards import Report, make_cards, make_list, name_filter, page_link
from tracker_server.chart import make_chart, make_figures
from tracker_server.errors import BusyError, InvalidQuestionError
from tracker_server.figures import FILTERS
from tracker_server.grains import ALL, DEFAULT_PERIOD, GRAINS, PERIODS
from tracker_server.layout import answer_page, common_values, days_of
from tracker_server.live import Live
from tracker_server.reports import Reports
from tracker_server.sections import cut_report
from tracker_server.shapes import SHADES
from tracker_server.texts import Texts

_GRAINS = {"hour": (1, 7), "day": (2, 400), "week": (14, 4_000), "month": (60, 4_000)}
"""Of how many days each is offered."""


def make_pages(live: Live, reports: Reports) -> Blueprint:
    """Return the routes ``/`` and ``/stats``."""
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    def index() -> BaseResponse:
        return redirect("/stats")

    @pages.get("/stats")
    def stats() -> Response:
        address = Address(_parameters())
        texts = Texts(asked_language())
        snapshot = live.snapshot()
        now = json.loads(snapshot.body)
        common = common_values(address, texts, now, snapshot.overview.site_name)
        if now["trackingSince"] is None:
            root = request.host_url.rstrip("/")
            return answer_page("empty.html", 200, {**common, "root": root, "refresh": 0})
        try:
            report = _report(reports, address)
        except InvalidQuestionError as error:
            return answer_page("refused.html", 400, {**common, "reason": str(error)})
        except BusyError as error:
            response = answer_page("busy.html", 503, common)
            response.headers["Retry-After"] = str(error.retry_seconds)
            return response
        if section() and "page" not in address.filters:
            return answer_page("section.html", 200, common | _section(report, address, texts, now))
        view = _view(report, address, texts, now) | _series(report, address, texts, snapshot.taken)
        return answer_page("report.html", 200, common | view)

    return pages


def _parameters() -> dict[str, str]:
    """Return what is asked for; of a section there are no lists of what is outside of it."""
    asked = request.args.to_dict()
    if section() and asked.get("list") in {"next", "missing"}:
        del asked["list"]
    return asked


def _report(reports: Reports, address: Address) -> dict[str, Any]:
    """Return the report of a view, of which somebody may see a section only."""
    question = address.question(whole=bool(section()) and "page" not in address.filters)
    report: dict[str, Any] = json.loads(reports.answer(question))
    return cut_report(report, section()) if section() else report


def _section(report: Report, address: Address, texts: Texts, now: dict[str, Any]) -> dict[str, Any]:
    """Return what a list of the pages of a section shows, and nothing of all together."""
    return {
        "days": days_of(report, texts),
        "card": make_list("pages", report, address, texts, now["siteUrl"]),
        "periods": (*PERIODS, ALL),
        "period": "custom" if address.is_custom else address.period or DEFAULT_PERIOD,
    }


def _view(report: Report, address: Address, texts: Texts, now: dict[str, Any]) -> dict[str, Any]:
    """Return what a report adds."""
    cards = make_cards(report, address, texts, now["siteUrl"])
    return {
        "report": report,
        "days": days_of(report, texts),
        "before": days_of(report["before"], texts) if report["before"] else None,
        "cards": cards,
        "shades": SHADES,
        "periods": (*PERIODS, ALL),
        "period": "custom" if address.is_custom else address.period or DEFAULT_PERIOD,
        "chips": _chips(report, address, texts),
        "page": _page_of(report, address, now),
    }


def _grains(report: Report) -> list[str]:
    """Return by what the series of so many days can be divided with sense."""
    first, last = date.fromisoformat(report["from"]), date.fromisoformat(report["to"])
    days = (last - first).days + 1
    return [grain for grain in GRAINS if _GRAINS[grain][0] <= days <= _GRAINS[grain][1]]


def _series(report: Report, address: Address, texts: Texts, taken: float) -> dict[str, Any]:
    """Return what is shown above the lists."""
    return {
        "figures": make_figures(report, address, texts),
        "chart": make_chart(report, address, texts, taken),
        "goes_on": _goes_on(report, taken),
        "grains": _grains(report),
    }


def _goes_on(report: Report, now: float) -> bool:
    """Tell whether the last step of the series is not over yet."""
    last = date.fromisoformat(report["to"])
    return last >= datetime.fromtimestamp(now, UTC).date()


def _chips(report: Report, address: Address, texts: Texts) -> list[dict[str, str]]:
    """Return the filters in force: what they are, and the address without them."""
    chips = []
    for name in FILTERS:
        if name not in address.filters:
            continue
        value = address.filters[name]
        shown = (
            _title(report, report["path"]) if name == "page" else name_filter(texts, name, value)
        )
        chips.append({"name": name, "value": shown, "without": address.link(**{name: None})})
    return chips


def _title(report: Report, path: str) -> str:
    titles = (page["title"] for page in report["pages"] if page["path"] == path)
    return next(filter(None, titles), path)


def _page_of(report: Report, address: Address, now: dict[str, Any]) -> dict[str, Any] | None:
    """Return what the page is that the view is of, if it is of one."""
    if "page" not in address.filters:
        return None
    path = report["path"]
    pages = (page for page in report["pages"] if page["path"] == path)
    found: dict[str, Any] = next(pages, {})
    readers = (row["visitors"] for row in now["activeByPath"] if row["path"] == path)
    return {
        "path": path,
        "title": found.get("title"),
        "type": found.get("type", "other"),
        "readers": next(readers, 0),
        "out": page_link(now["siteUrl"], path) if found.get("title") else None,
    }
