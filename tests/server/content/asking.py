"""How tests ask for a content report."""

from typing import Any

from tests.server.conftest import Site


def ask(site: Site, report: str, **parameters: object) -> dict[str, Any]:
    """Return the JSON of a report, read now."""
    site.clock.advance(10)  # Answers are remembered so long.
    query = {name.rstrip("_"): str(value) for name, value in parameters.items()}
    answer = site.client.get(f"/api/content/{report}", query_string=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found = answer.get_json()
    assert isinstance(found, dict)
    return found


def rows(site: Site, report: str, **parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of a report without their names."""
    return [tuple(row.values()) for row in ask(site, report, **parameters)["rows"]]
