"""Redirects to be pasted: strangers choose the paths, and files are made of them."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mkdocs.structure.files import File

from tracker_server.redirect_map import RedirectMap, may_be_page, quoted

FOLDERS = ["/", "/new/install/", "/guide/"]
FILES = ["/", "/new/install.html", "/guide.html"]
PATHS = st.lists(st.sampled_from(["a", "B", "..", ".", "index", "README", "é", "a.b", ""])).map(
    lambda parts: "/" + "/".join(parts)
) | st.text("ab/.\\:#'\" é\n", max_size=12).map(lambda text: f"/{text}")


def _map(pages: list[str], *paths: str, target: str = "x.md") -> dict[str, str]:
    """Return what the plugin would be told, as it reads it."""
    redirects = RedirectMap(pages)
    for path in paths:
        redirects.add(path, target)
    if not redirects.write():
        return {}
    read: Any = yaml.safe_load(redirects.write())
    [plugin] = read["plugins"]
    found = plugin["redirects"]["redirect_maps"]
    assert isinstance(found, dict)
    return found


def _built(source: str, *, folders: bool) -> str:
    """Return the file that a source is built to, which is where the plugin writes a redirect."""
    return File(source, "docs", "site", folders).dest_uri


def test_what_is_pasted() -> None:
    """One redirect a line, below what they belong to."""
    redirects = RedirectMap(FOLDERS)
    redirects.add("/old/instal/", "new/install.md")
    redirects.add("/it's/", 'a "b": c.md')

    assert len(redirects) == 2
    assert redirects.write().splitlines() == [
        "plugins:",
        "  - redirects:",
        "      redirect_maps:",
        '        "old/instal.md": "new/install.md"',
        r'        "it' + r"'" + r's.md": "a \"b\": c.md"',
    ]


@pytest.mark.parametrize(
    ("path", "source", "file"),
    [
        ("/old/instal/", "old/instal.md", "old/instal/index.html"),
        ("/old/instal", "old/instal.md", "old/instal/index.html"),
        ("/index/", "index/index.md", "index/index.html"),
        ("/guide/README/", "guide/README/index.md", "guide/README/index.html"),
        ("/v1.2/ü n/", "v1.2/ü n.md", "v1.2/ü n/index.html"),
    ],
)
def test_where_pages_are_folders(path: str, source: str, file: str) -> None:
    """The redirect is built to the file that a server looks for."""
    assert _map(FOLDERS, path) == {source: "x.md"}
    assert _built(source, folders=True) == file


@pytest.mark.parametrize(
    ("path", "source", "file"),
    [
        ("/old/instal.html", "old/instal.md", "old/instal.html"),
        ("/old/instal", "old/instal.md", "old/instal.html"),
        ("/old/instal/", "old/instal/index.md", "old/instal/index.html"),
        ("/new/install/", "new/install/index.md", "new/install/index.html"),
        ("/a.html", "a.md", "a.html"),
        ("/index/", "index/index.md", "index/index.html"),
    ],
)
def test_where_pages_are_files(path: str, source: str, file: str) -> None:
    """Likewise."""
    assert _map(FILES, path) == {source: "x.md"}
    assert _built(source, folders=False) == file


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/../../etc/passwd", id="above-the-site"),
        pytest.param("/a/../b/", id="above-a-folder"),
        pytest.param("/./a/", id="dot"),
        pytest.param("//evil.example/a/", id="two-slashes"),
        pytest.param("/a//b/", id="nothing-between"),
        pytest.param("/", id="home"),
        pytest.param("/.git/config", id="hidden"),
        pytest.param("/.env", id="hidden-file"),
        pytest.param("/wp-login.php", id="program"),
        pytest.param("/img/logo.png", id="picture"),
        pytest.param("/assets/main.js/more/", id="below-a-file"),
        pytest.param("/C:/Windows/a/", id="drive"),
        pytest.param("/a\\..\\b/", id="backslashes"),
        pytest.param('/a"b/', id="quotation-mark"),
        pytest.param("/a|b/", id="pipe"),
        pytest.param("/a#b/", id="anchor"),
        pytest.param("/a\nplugins: []/", id="line"),
        pytest.param("/a\u202eb/", id="backwards"),
        pytest.param("/a\u00a0b/", id="unseen"),
        pytest.param("/a /", id="space-at-the-end"),
        pytest.param("/a./", id="dot-at-the-end"),
        pytest.param(f"/{'x' * 255}/", id="too-long-for-a-file"),
        pytest.param("/new/install/", id="a-page"),
        pytest.param("/new/install", id="a-page-without-slash"),
        pytest.param("/New/Install/", id="a-page-on-some-systems"),
        pytest.param("/old/instal.html", id="no-source-is-built-to-it"),
        pytest.param("/old/readme.html", id="nor-to-it"),
        pytest.param("/404.html", id="what-is-shown-instead"),
        pytest.param("(other)", id="no-path"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_not_led_on(path: str) -> None:
    """What could become another file than that of the path, and what has one."""
    redirects = RedirectMap(FOLDERS)

    assert not redirects.add(path, "x.md")
    assert redirects.write() == ""


@pytest.mark.parametrize("path", ["/new/install.html", "/New/Install", "/readme.html", "/404.html"])
def test_what_is_not_led_on_where_pages_are_files(path: str) -> None:
    """Likewise."""
    assert _map(FILES, path) == {}


def test_a_file_is_written_once() -> None:
    """Of two paths with one file the first one leads on; the plugin could not tell them apart."""
    assert _map(FOLDERS, "/a/", "/a", "/A/", "/b/") == {"a.md": "x.md", "b.md": "x.md"}


@given(st.lists(PATHS, max_size=6), st.booleans())
def test_any_path_stays_in_the_site(paths: list[str], folders: bool) -> None:  # noqa: FBT001  # drawn
    """No redirect is above the site or over a page, and each is where its path is looked for."""
    pages = FOLDERS if folders else FILES
    taken = {_built(s, folders=folders) for s in ("index.md", "new/install.md", "guide.md")}
    for path in paths:
        for source in _map(pages, path):
            file = _built(source, folders=folders)

            assert not {"", ".", ".."} & {*file.split("/")}
            assert file not in taken
            end = "/index.html" if folders or path.endswith("/") else ".html"
            assert file == path[1:].removesuffix("/").removesuffix(".html") + end


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read_back(text: str) -> None:
    """Whatever it has, on one line, and nothing in it goes unseen."""
    line = quoted(text)

    assert yaml.safe_load(f"a: {line}") == {"a": text}
    assert yaml.safe_load(f"{{{line}: 1}}" if len(line) < 1_000 else "{}") in ({text: 1}, {})
    assert line.isprintable()


@pytest.mark.parametrize(
    ("path", "may"),
    [
        ("/guide/", True),
        ("/guide.html", True),
        ("/guide.md", True),
        ("/guide/index.htm", True),
        ("/guide.md/x/", False),
        ("/v1.2/", True),
        ("/a.b.c/", False),
        ("/xmlrpc.php", False),
        ("/.well-known/x", False),
        ("/404.html", False),
        ("(other)", False),
    ],
)
def test_what_may_be_meant_as_a_page(path: str, *, may: bool) -> None:
    """Files of other kinds and hidden ones are not."""
    assert may_be_page(path) is may
