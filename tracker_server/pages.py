"""The HTML that people look at: everything is rendered here, and a script keeps it moving."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from tracker_server.address import Address
from tracker_server.answers import asked_language, section, sign_out_proof
from tracker_server.cards import Report, make_cards, make_list, name_filter, page_link
from tracker_server.chart import make_chart, make_figures
from tracker_server.errors import BusyError, InvalidQuestionError
from tracker_server.figures import FILTERS
from tracker_server.grains import ALL, DEFAULT_PERIOD, GRAINS, PERIODS
from tracker_server.live import Live
from tracker_server.reports import Reports
from tracker_server.sections import cut_report
from tracker_server.shapes import SHADES, line
from tracker_server.texts import LANGUAGES, Texts

ROLLUP_SECONDS, RAW_SECONDS = 10, 60
"""How often an open page asks for its report anew, made of roll-ups or of raw views."""
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
        common = _common(address, texts, now, snapshot.overview.site_name)
        if now["trackingSince"] is None:
            root = request.host_url.rstrip("/")
            return _page("empty.html", 200, {**common, "root": root, "refresh": 0})
        try:
            report = _report(reports, address)
        except InvalidQuestionError as error:
            return _page("refused.html", 400, {**common, "reason": str(error)})
        except BusyError as error:
            response = _page("busy.html", 503, common)
            response.headers["Retry-After"] = str(error.retry_seconds)
            return response
        if section() and "page" not in address.filters:
            return _page("section.html", 200, common | _section(report, address, texts, now))
        view = _view(report, address, texts, now) | _series(report, address, texts, snapshot.taken)
        return _page("report.html", 200, common | view)

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
        "days": _days(report, texts),
        "card": make_list("pages", report, address, texts, now["siteUrl"]),
        "periods": (*PERIODS, ALL),
        "period": "custom" if address.is_custom else address.period or DEFAULT_PERIOD,
    }


def _common(
    address: Address, texts: Texts, now: dict[str, Any], site_name: str | None
) -> dict[str, Any]:
    """Return what each page shows: the name, the readers at this moment, the languages."""
    since = now["trackingSince"]
    return {
        "address": address,
        "t": texts,
        "now": now,
        "demo": now.get("demo", False),
        "refresh": RAW_SECONDS if address.filters.keys() - {"page"} else ROLLUP_SECONDS,
        "site_name": site_name,
        "languages": LANGUAGES,
        "sign_out": sign_out_proof(),
        "section": section(),
        "since": texts.full_day(datetime.fromisoformat(since).date()) if since else None,
        "clock": lambda at: datetime.fromisoformat(at).strftime("%H:%M:%S"),
        "sparkline": lambda values: line(values, 80, 18),
    }


def _view(report: Report, address: Address, texts: Texts, now: dict[str, Any]) -> dict[str, Any]:
    """Return what a report adds."""
    cards = make_cards(report, address, texts, now["siteUrl"])
    return {
        "report": report,
        "days": _days(report, texts),
        "before": _days(report["before"], texts) if report["before"] else None,
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


def _days(report: Report, texts: Texts) -> str:
    return texts.days(date.fromisoformat(report["from"]), date.fromisoformat(report["to"]))


def _chips(report: Report, address: Address, texts: Texts) -> list[dict[str, str]]:
    """Return the filters in force: what they are, and the address without them."""
    chips = []
    for name in FILTERS:
        if name not in address.filters:
            continue
        value = address.filters[name]
        shown = _title(report, value) if name == "page" else name_filter(texts, name, value)
        chips.append({"name": name, "value": shown, "without": address.link(**{name: None})})
    return chips


def _title(report: Report, path: str) -> str:
    titles = (page["title"] for page in report["pages"] if page["path"] == path)
    return next(filter(None, titles), path)


def _page_of(report: Report, address: Address, now: dict[str, Any]) -> dict[str, Any] | None:
    """Return what the page is that the view is of, if it is of one."""
    if "page" not in address.filters:
        return None
    path = report["filters"]["page"]
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


def _page(template: str, status: int, values: Mapping[str, Any]) -> Response:
    response = Response(render_template(template, **values), status)
    response.headers["Content-Language"] = values["t"].language
    response.vary.add("Accept-Language")
    return response
