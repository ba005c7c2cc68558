"""What all pages that people look at have in common."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flask import Response, render_template

from tracker_server.address import Address
from tracker_server.answers import section, sign_out_proof
from tracker_server.shapes import line
from tracker_server.texts import LANGUAGES, Texts

ROLLUP_SECONDS, RAW_SECONDS = 10, 60
"""How often an open page asks for its report anew, made of roll-ups or of raw views."""


def common_values(
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


def days_of(report: Mapping[str, Any], texts: Texts) -> str:
    """Write the days of a report."""
    return texts.days(date.fromisoformat(report["from"]), date.fromisoformat(report["to"]))


def answer_page(template: str, status: int, values: Mapping[str, Any]) -> Response:
    """Render a page in the language of its texts."""
    response = Response(render_template(template, **values), status)
    response.headers["Content-Language"] = values["t"].language
    response.vary.add("Accept-Language")
    return response
