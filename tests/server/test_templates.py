"""Templates leave a value no way out: all attributes are quoted, and none is trusted."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "tracker_server" / "templates").glob("*.html"))
UNQUOTED = re.compile(r"=\s*\{\{|=\s*[^\"'\s>]*\{\{(?=[^\"'<>]*>)")
TRUSTED = re.compile(r"\|\s*safe\b|\bautoescape\b|\bMarkup\b|\|\s*(?:urlize|xmlattr|tojson)\b")
IN_CODE = re.compile(r"<(script|style)\b[^>]*>[^<]*\{\{|\s(?:on\w+|style)\s*=", re.IGNORECASE)


def find_ways_out(source: str) -> list[str]:
    """Return what a template does that lets a value be more than a text."""
    # Values between quotes may have anything, and comments and statements are not output.
    tags = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", source, flags=re.DOTALL)
    bare = re.sub(r"\"[^\"]*\"", '""', tags)
    found = [match[0] for match in UNQUOTED.finditer(bare)]
    return found + [match[0] for match in (*TRUSTED.finditer(source), *IN_CODE.finditer(tags))]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_no_template_lets_a_value_out(template: Path) -> None:
    """Of all templates of the tracker."""
    assert find_ways_out(template.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "<a href={{ link }}>",
        "<a title = {{ title }} href=''>",
        "<b>{{ title|safe }}</b>",
        "<b>{{ title | safe }}</b>",
        "{% autoescape false %}{{ title }}{% endautoescape %}",
        "<script>let a = {{ title }}</script>",
        '<a onclick="f({{ title }})">',
        '<p style="width: {{ width }}">',
    ],
)
def test_planted_ways_out_are_found(source: str) -> None:
    """Each kind is reported."""
    assert find_ways_out(source)


def test_no_module_marks_a_text_as_markup() -> None:
    """`Markup`, and templates from texts, would pass by the escaping."""
    names = {"Markup", "render_template_string", "from_string", "Template"}
    found = [
        (path.name, node.lineno)
        for path in (ROOT / "tracker_server").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Name) and node.id in names)
        or (isinstance(node, ast.Attribute) and node.attr in names)
        or (isinstance(node, ast.alias) and node.name in names)
    ]

    assert found == []
