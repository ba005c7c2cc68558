"""What an author may put on a page: an element that names a widget becomes the widget.

The elements are plain HTML, which Markdown, macros and minifiers leave alone, and so are the
widgets: no style of their own, but the classes by which the themes Material, mkdocs and
readthedocs know their buttons and fields. Other themes have the browser's.
"""

import re
from html import escape
from typing import Protocol

_PLACEHOLDER = re.compile(
    r"<div\s[^>]*\bdata-stats\s*=\s*[\"']?([\w-]+)[\"']?[^>]*>\s*</div>", re.IGNORECASE
)

_BUTTON = 'type="button" class="md-button btn btn-secondary btn-neutral"'
_OPT_OUT = (
    f'<p><button {_BUTTON} data-stats-opt-out="{{resume}}" aria-pressed="false">{{stop}}</button>'
    "</p>"
)
# Of the form of the theme Material it has the attributes too, so the script knows one form.
# The field says no type, because readthedocs shows those that do although they are hidden.
_FEEDBACK = f"""\
<div class="mkdocs-stats-feedback md-feedback">
<fieldset><legend class="md-feedback__title">{{question}}</legend>
<button {_BUTTON} data-md-value="1">{{yes}}</button>
<button {_BUTTON} data-md-value="0">{{no}}</button></fieldset>
<div data-md-value="1" role="status" hidden>{{thanks}}</div>
<div data-md-value="0" role="status" hidden>{{thanks}}</div>
<p><input class="md-input md-input--stretch form-control" data-stats-comment hidden
maxlength="500" aria-label="{{comment}}" placeholder="{{comment}}"></p>
</div>"""
_WIDGETS = {"opt-out": _OPT_OUT, "feedback": _FEEDBACK}
"""By name. The text of the button's attribute is what it says in its other state."""


class Texts(Protocol):
    """What widgets say to readers; the option `texts`."""

    stop: str
    resume: str
    question: str
    yes: str
    no: str
    thanks: str
    comment: str


def place_widgets(html: str, texts: Texts | None) -> tuple[str, list[str]]:
    """Replace each ``<div data-stats="NAME"></div>``.

    Args:
        html: The content of a page.
        texts: What the widgets say; nothing where they would not work, which leaves them out.

    Returns:
        The content, and the names that no widget has.
    """
    if "data-stats" not in html:
        return html, []
    names: list[str] = []

    def replace(match: re.Match[str]) -> str:
        template = _WIDGETS.get(match[1].lower())
        if template is None:
            names.append(match[1])
            return match[0]
        return _render(template, texts) if texts else ""

    return _PLACEHOLDER.sub(replace, html), names


def _render(template: str, texts: Texts) -> str:
    words = {name: escape(getattr(texts, name)) for name in Texts.__annotations__}
    return template.format_map(words)
