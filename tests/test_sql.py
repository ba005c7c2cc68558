"""No SQL is built out of texts: whatever stands in a statement was written by us, or is bound."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "tracker_server"

TAKES_SQL = {"text", "literal_column", "DDL", "exec_driver_sql", "executescript"}
"""Functions whose first argument is SQL whatever it looks like."""
RUNS_SQL = {"execute", "executemany"}
"""Functions whose first argument is SQL if it is a text."""
STATEMENT = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|PRAGMA|VACUUM|CREATE|DROP|ALTER|BEGIN|ATTACH|SET"
    r"|WHERE|FROM)\b "
)
PROVEN = {
    ("database", "columns"): "names of `schema`",
    ("database", "pragma"): "each is written out where it is called",
    ("database", "values"): "placeholders",
    ("maintenance", "table.format_table(VIEWS)"): "the name of our table, quoted by SQLAlchemy",
    ("prepared", "columns"): "names of columns of `schema`",
    ("prepared", "key.name"): "a name of `schema`",
    ("prepared", "key.table.name"): "a name of `schema`",
    ("prepared", "length"): "a number, by its type",
    ("prepared", "select"): "of the parts above",
    ("prepared", "text"): "of the parts above",
    ("prepared", "', '.join(['(?)'] * size)"): "placeholders",
    ("recount", "dimension"): "a number, by its type",
    ("recount", "seconds"): "a number, by its type",
    ("statements", "window"): "a number, by its type",
}
"""What may stand in a statement though it is no constant, and why: module and expression."""


def _name_of(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_text(node: ast.expr) -> bool:
    """Tell whether an expression is certainly a text."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or _is_text(node.right)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and (
            node.func.attr in {"format", "format_map", "join"} or _is_text(node.func.value)
        )
    return isinstance(node, ast.JoinedStr)


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    """Yield what a text is made of, but its constants."""
    if isinstance(node, ast.JoinedStr):
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                yield from _parts(value.value)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        yield from _parts(node.left)
        yield from _parts(node.right)
    elif isinstance(node, ast.Call) and _name_of(node) in {"format", "str"}:
        if isinstance(node.func, ast.Attribute):
            yield from _parts(node.func.value)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            yield from _parts(argument)
    elif not isinstance(node, ast.Constant):
        yield node


def _is_constant(node: ast.expr) -> bool:
    """Tell whether it is a name in capitals, which nobody gives another value."""
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return bool(re.fullmatch(r"_?[A-Z][A-Z0-9_]*", name))


def _statements(tree: ast.Module) -> Iterable[ast.expr]:
    """Yield every expression that is SQL, or looks like it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name, first = _name_of(node), node.args[0]
            if name in TAKES_SQL or (name in RUNS_SQL and _is_text(first)):
                yield first
        if isinstance(node, ast.JoinedStr | ast.BinOp | ast.Call) and _is_text(node):
            beginning = next(
                (part.value for part in ast.walk(node) if isinstance(part, ast.Constant)), ""
            )
            if isinstance(beginning, str) and STATEMENT.match(beginning):
                yield node


def _constants(tree: ast.Module) -> set[str]:
    """Return local names that are only ever a text without parts."""
    given: dict[str, bool] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    fixed = _is_text(node.value) and all(map(_is_constant, _parts(node.value)))
                    given[target.id] = given.get(target.id, True) and fixed
        elif isinstance(node, ast.arg):
            given[node.arg] = False
    return {name for name, fixed in given.items() if fixed}


def find_built_sql(root: Path) -> set[tuple[str, str]]:
    """Return what stands in statements and is neither constant nor bound: module, expression."""
    found = set()
    for path in sorted(root.rglob("*.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        if module.startswith("migrations.versions"):
            continue  # Written out once, and run before anybody says anything.
        tree = ast.parse(path.read_text())
        constants = _constants(tree)
        for statement in _statements(tree):
            found |= {
                (module, ast.unparse(part))
                for part in _parts(statement)
                if not _is_constant(part)
                and not (isinstance(part, ast.Name) and part.id in constants)
            }
    return found


def test_no_sql_is_built_of_what_somebody_said() -> None:
    """What is not constant is in the list above, with the reason, and nothing else is."""
    assert find_built_sql(ROOT) == set(PROVEN)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ('connection.execute(text("SELECT 1 WHERE " + said))', "said"),
        ('connection.exec_driver_sql(f"SELECT {said}")', "said"),
        ('connection.exec_driver_sql("SELECT %s" % said)', "said"),
        ('connection.exec_driver_sql("SELECT {}".format(said))', "said"),
        ("connection.exec_driver_sql(said)", "said"),
        ("select(literal_column(said))", "said"),
        ('query = f"DELETE FROM view WHERE path = {said!r}"', "said"),
        ('query = "UPDATE totals SET views = " + said', "said"),
        ('cursor.execute("a" "b" + said.lower())', "said.lower()"),
        ('def f(said):\n    said = "x"\n    connection.exec_driver_sql(said)', "said"),
    ],
)
def test_planted_sql_is_found(tmp_path: Path, line: str, part: str) -> None:
    """Each way to put a text into a statement is reported."""
    (tmp_path / "planted.py").write_text(line)

    assert find_built_sql(tmp_path) == {("planted", part)}


@pytest.mark.parametrize(
    "line",
    [
        'connection.execute(text("SELECT 1"))',
        "select(literal_column(str(SECONDS_PER_HOUR)))",
        'limit = "SET a = {}"\nconnection.exec_driver_sql(limit.format(PATIENCE))',
        'message = f"there is no page {said}"',
        "connection.execute(select(PATHS.c.id).where(PATHS.c.text == said))",
    ],
)
def test_what_is_bound_or_constant_is_none(tmp_path: Path, line: str) -> None:
    """Statements of SQLAlchemy, constants and other texts are let alone."""
    (tmp_path / "planted.py").write_text(line)

    assert find_built_sql(tmp_path) == set()
