"""The floors of ``docs/architecture.md`` hold: a module imports only from floors below its own."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = {
    "tracker_server": [
        {"base"},
        {
            "errors",
            "exchange",
            "figures",
            "model",
            "schema",
            "schema_content",
            "packing",
            "enrich",
            "signals",
            "grains",
            "hosts",
            "database",
            "prepared",
            "migrations",
            "meter",
            "logs",
            "shapes",
            "sources",
            "texts",
            "badge",
            "demo_world",
            "dwell",
            "terminal",
            "screen",
            "policy",
            "sections",
            "revisions",
            "remembered",
            "tables",
            "ratios",
            "likeness",
            "redirect_map",
        },
        {
            "config",
            "bots",
            "credentials",
            "passwords",
            "paths",
            "fields",
            "identity",
            "pressure",
            "wire",
            "vocabulary",
            "statements",
            "lock",
            "room",
            "migrate",
            "sqlite_file",
            "connection",
            "health",
            "metrics",
            "address",
            "demo_reading",
            "terminal_table",
            "remote",
            "closest",
            "former_anchors",
            "queries.ranges",
            "queries.moved",
        },
        {
            "bridge",
            "console",
            "crowd",
            "keyring",
            "exports",
            "limits",
            "networks",
            "demo_visits",
            "payload",
            "manifest_pages",
            "private_paths",
            "tally",
            "readings",
            "events",
            "bot_counts",
            "headings",
            "content",
            "links",
            "cleanup",
            "questions",
            "recount",
            "runs",
            "cards",
            "chart",
            "queries",
            "storage",
            "replacement",
        },
        {
            "serving",
            "manifest",
            "store",
            "audit",
            "access",
            "admission",
            "keys",
            "queries.raw",
            "queries.rollups",
            "queries.bots",
            "queries.overview",
            "content_reports",
            "demo_readers",
            "table_view",
        },
        {
            "recorder",
            "live",
            "rebuild",
            "checks",
            "reports",
            "counters",
            "answers",
            "queries.report",
            "streams",
            "catalogue",
            "content_answers",
        },
        {
            *("upkeep", "ingest", "api", "content_api", "embeds", "operations", "guard", "sign_in"),
            "layout",
            "readers",
        },
        {"pages", "content_pages"},
        {"app", "maintenance", "restore", "demo_data", "front", "cli_access", "cli_report"},
        {"cli"},
        {"__main__"},
    ],
    "mkdocs_stats_plugin": [
        {
            "branch",
            "history",
            "inject",
            "paths",
            "reading",
            "remote",
            "revision",
            "texts",
            "widgets",
        },
        {
            "assets",
            "config",
            "entry",
            "front_matter",
            "links",
            "navigation",
            "origin",
            "readership",
            "snapshot",
            "versions",
        },
        {"counters", "facts", "manifest", "review", "site_map", "stats_page"},
        {"review_text", "survey"},
        {"cli", "plugin"},
    ],
}

# What betrays an effect, and the modules that may have it.
ONLY_PLACES = {
    r"\bthreading\b": {
        "content_answers",
        "counters",
        "health",
        "identity",
        "ingest",
        "live",
        "meter",
        "passwords",
        "pressure",
        "recorder",
        "remembered",
        "reports",
        "upkeep",
    },
    r"\basyncio\b": {"bridge", "cli", "connection", "front", "serving", "streams"},
    r"\bhttptools\b": {"bridge", "connection"},
    r"\bsqlalchemy\b": {
        "access",
        "app",
        "base",
        "audit",
        "bot_counts",
        "checks",
        "cleanup",
        "cli",
        "content",
        "cli_report",
        "content_reports",
        "database",
        "demo_data",
        "events",
        "former_anchors",
        "headings",
        "links",
        "maintenance",
        "migrate",
        "migrations",
        "prepared",
        "private_paths",
        "queries",
        "readers",
        "readings",
        "rebuild",
        "recount",
        "restore",
        "revisions",
        "runs",
        "schema",
        "schema_content",
        "statements",
        "storage",
        "store",
        "tables",
        "tally",
        "vocabulary",
    },
    r"\bpyroaring\b": {"audit", "cleanup", "content_reports", "queries", "recount"},
    r"\b(?:import|from) alembic\b": {"revisions", "migrations"},
    r"\bsqlite3\.connect\b": {"sqlite_file"},
    r"\btermios\b": {"screen"},
    r"\burlopen\b": {"remote"},
    r"\bfcntl\b": {"identity", "keyring", "lock"},
    r"\bargon2\b": {"passwords"},
    r"\bflask\b": {
        *("answers", "api", "app", "cli", "embeds", "guard", "layout", "operations", "pages"),
        *("content_api", "content_pages", "sign_in"),
    },
    r"\bprometheus_client\b": {"metrics"},
    r"\bflask_sqlalchemy\b": {"base"},
    r"\bos\.environ\b": {"cli", "console", "plugin"},
    r"\btime\.time\b|\.now\(|\.utcnow\(|\bmonotonic\b": {
        "app",
        "cli",
        "cli_access",
        "cli_report",
        "plugin",
    },
    r"\bprint\(|\bimport click\b|\bsys\.exit\b": {"cli", "cli_access", "cli_report", "console"},
    # `site_map` reads a site that is not built, so nothing hands it what MkDocs made.
    r"\bmkdocs\b(?!-)": {
        *("plugin", "config", "assets", "facts", "navigation", "origin", "survey", "site_map"),
    },
}


def _floor_of(package: str, module: str) -> int | None:
    floors = {name: n for n, floor in enumerate(FLOORS[package]) for name in floor}
    # A module in a folder may have a floor of its own.
    return floors.get(module, floors.get(module.split(".", maxsplit=1)[0]))


def _modules(root: Path, package: str) -> Iterable[tuple[str, Path]]:
    for path in sorted((root / package).rglob("*.py")):
        name = ".".join(path.relative_to(root / package).with_suffix("").parts)
        if name != "__init__" and not name.startswith("data."):
            yield name.removesuffix(".__init__"), path


def _imports(path: Path) -> Iterable[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def _code_of(path: Path) -> str:
    """Return a module without its comments and docstrings, which may name anything."""
    return ast.unparse(_without_docstrings(ast.parse(path.read_text())))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [
                line
                for line in node.body
                if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            ] or [ast.Pass()]
    return tree


def find_violations(root: Path) -> list[str]:
    """Return every import that breaks the floors and every effect outside its place."""
    violations = []
    for package in FLOORS:
        for module, path in _modules(root, package):
            floor = _floor_of(package, module)
            if floor is None:
                violations.append(f"{package}.{module} stands on no floor")
                continue
            for name in _imports(path):
                violations.extend(_check_import(package, module, floor, name))
            code = _code_of(path)
            violations.extend(
                f"{package}.{module} has {pattern}"
                for pattern, places in ONLY_PLACES.items()
                if module.split(".")[0] not in places and re.search(pattern, code)
            )
    return violations


def _check_import(package: str, module: str, floor: int, name: str) -> Iterable[str]:
    top, _, rest = name.partition(".")
    if top == "":
        yield f"{package}.{module} imports relatively: {name}"
    elif top in FLOORS and top != package:
        yield f"{package}.{module} imports the other package: {name}"
    elif top == package and rest:
        other = _floor_of(package, rest)
        if other is None or other >= floor:
            yield f"{package}.{module} on floor {floor} imports {name} on floor {other}"


def test_floors_hold() -> None:
    """No import goes upward, sideways or to the other package; every effect has its place."""
    assert find_violations(ROOT) == []


@pytest.mark.parametrize(
    ("package", "module", "line", "said"),
    [
        pytest.param(
            "tracker_server",
            "store",
            "from tracker_server.app import create_app",
            "floor 4 imports tracker_server.app",
            id="upward",
        ),
        pytest.param(
            "tracker_server",
            "ingest",
            "import tracker_server.api",
            "imports tracker_server.api",
            id="sideways",
        ),
        pytest.param(
            "tracker_server",
            "model",
            "import mkdocs_stats_plugin.facts",
            "other package",
            id="cross-package",
        ),
        pytest.param("tracker_server", "helpers", "", "stands on no floor", id="no-floor"),
        pytest.param(
            "tracker_server",
            "enrich",
            "from .model import View",
            "imports relatively",
            id="relative",
        ),
        pytest.param(
            "tracker_server",
            "queries.pages",
            "from tracker_server.store import Store",
            "floor 3 imports",
            id="inside-a-folder",
        ),
        pytest.param("tracker_server", "payload", "import threading", "threading", id="thread"),
        pytest.param(
            "tracker_server", "recorder", "from sqlalchemy import select", "sqlalchemy", id="sql"
        ),
        pytest.param(
            "tracker_server", "live", "import time\nnow = time.time()", "time", id="clock"
        ),
        pytest.param(
            "tracker_server",
            "config",
            "import os\nx = os.environ['A']",
            "environ",
            id="environment",
        ),
        pytest.param("tracker_server", "manifest", "print('hello')", "print", id="printing"),
        pytest.param(
            "mkdocs_stats_plugin", "inject", "import mkdocs.plugins", "mkdocs", id="mkdocs"
        ),
    ],
)
def test_floors_planted_violation_is_found(
    tmp_path: Path, package: str, module: str, line: str, said: str
) -> None:
    """Each kind of violation, planted in an otherwise empty tree, is reported."""
    path = tmp_path / package / (module.replace(".", "/") + ".py")
    path.parent.mkdir(parents=True)
    path.write_text(line)

    violations = find_violations(tmp_path)
    assert len(violations) == 1
    assert said in violations[0]
