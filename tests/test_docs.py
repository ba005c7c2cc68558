"""The documentation names everything there is, and nothing that is not."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from flask import Flask

from tracker_server import cli
from tracker_server.app import create_app
from tracker_server.config import Settings

ROOT = Path(__file__).parents[1]
TRACKER = (ROOT / "docs" / "tracker.md").read_text()
WIRE = (ROOT / "docs" / "wire.md").read_text()


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """The application over an empty database."""
    return create_app(Settings(database_url=f"sqlite:///{tmp_path / 'stats.sqlite3'}"))


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: str(field.name))
def test_tracker_docs_have_every_setting_with_its_default(field: object) -> None:
    """Each setting is a row with its variable and its default."""
    name, default = getattr(field, "name", ""), getattr(field, "default", None)
    row = next(line for line in TRACKER.splitlines() if f"`STATS_{name.upper()}`" in line)

    if default not in {"", ()}:
        shown = str(default).lower() if isinstance(default, bool) else default
        assert f"`{shown}`" in row


def test_tracker_docs_have_no_setting_that_is_not() -> None:
    """A variable in the documentation is a setting."""
    known = {f"STATS_{field.name.upper()}" for field in fields(Settings)}
    assert set(re.findall(r"STATS_[A-Z_]+[A-Z]", TRACKER + WIRE)) <= known


def test_tracker_docs_have_every_option_of_run() -> None:
    """Each option of ``tracker-server run`` is in the table."""
    options = [option for parameter in cli.run.params for option in parameter.opts]

    assert [option for option in options if f"`{option}`" not in TRACKER] == []


def test_wire_docs_have_every_route(app: Flask) -> None:
    """Each route is described."""
    rules = {rule.rule for rule in app.url_map.iter_rules()} - {"/", "/static/<path:filename>"}

    assert [rule for rule in sorted(rules) if rule not in WIRE] == []
    assert "/api/collect" in WIRE


@pytest.mark.parametrize(
    "page",
    sorted(ROOT.glob("docs/**/*.md")) + sorted(ROOT.glob("*.md")),
    ids=lambda page: page.name,
)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    """A relative link names a file of the repository."""
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_readme_commands_are_targets_of_the_makefile() -> None:
    """Every ``make …`` that the README and CONTRIBUTING name exists."""
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"\bmake ([a-z]+)\b`?", text)) - {"lists"} <= targets
