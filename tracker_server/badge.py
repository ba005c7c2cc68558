"""A badge: a label and a number as a small picture, drawn here and readable on any ground."""

import unicodedata
from html import escape

MAX_LABEL_CHARS = 60

_HEIGHT = 20
_PAD = 7
_NARROW = frozenset(" .,:;'|!()[]fijlrtI")
_BROAD = frozenset("mwMW%@")

_TEMPLATE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" \
aria-label="{name}">
<title>{name}</title>
<clipPath id="r"><rect width="{width}" height="{height}" rx="4"/></clipPath>
<g clip-path="url(#r)">
<rect width="{left}" height="{height}" fill="#3f4a55"/>
<rect x="{left}" width="{right}" height="{height}" fill="#00695c"/>
</g>
<rect x=".5" y=".5" width="{inner}" height="19" rx="3.5" fill="none" stroke="#fff" \
stroke-opacity=".25"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" \
text-anchor="middle">
<text x="{label_x}" y="14" textLength="{label_length}">{label}</text>
<text x="{value_x}" y="14" font-weight="bold" textLength="{value_length}">{value}</text>
</g>
</svg>
"""


def render_badge(label: str, number: int) -> str:
    """Draw a badge.

    Args:
        label: any text; what cannot be seen is left out, what is too long is cut.
        number: shortened from a hundred thousand on.
    """
    label = _clean(label)
    value = shorten(number)
    label_length, value_length = _length(label), round(_length(value) * 1.12)
    left, right = label_length + 2 * _PAD, value_length + 2 * _PAD
    return _TEMPLATE.format(
        width=left + right,
        inner=left + right - 1,
        height=_HEIGHT,
        name=escape(f"{label}: {value}"),
        left=left,
        right=right,
        label=escape(label),
        label_x=left / 2,
        label_length=label_length,
        value=value,
        value_x=left + right / 2,
        value_length=value_length,
    )


def shorten(number: int) -> str:
    """Write a number in at most six characters or so: ``99,999``, ``123k``, ``1.2M``."""
    if number < 100_000:
        return f"{number:,}"
    for unit, size in (("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)):
        # Cut off, not rounded: no badge claims more than there is.
        whole, tenths = divmod(number * 10 // size, 10)
        if whole < 1_000 or unit == "G":
            return f"{whole}.{tenths}{unit}" if whole < 10 else f"{whole}{unit}"
    raise AssertionError(number)


def _clean(text: str) -> str:
    seen = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join(seen.split())[:MAX_LABEL_CHARS]


def _length(text: str) -> int:
    """Estimate how wide a text is; the picture then makes it so, whatever font there is."""
    return max(1, round(sum(map(_width, text))))


def _width(letter: str) -> float:
    if letter in _NARROW:
        return 4.4
    if letter in _BROAD:
        return 10.4
    if unicodedata.east_asian_width(letter) in "WF":
        return 11.5
    return 8.0 if letter.isupper() else 6.9
