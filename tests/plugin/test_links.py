"""Where the links of a page lead."""

import pytest

from mkdocs_stats_plugin.links import Address, Links, read_links
from mkdocs_stats_plugin.reading import set_code_apart
from tests.plugin.sites import Site

DOCS = Address("https://Kettle.example/docs/")


def _links(html: str, url: str = "guide/install/", address: Address = DOCS) -> Links:
    return read_links(set_code_apart(html)[0], url, address)


@pytest.mark.parametrize(
    ("link", "url", "path"),
    [
        pytest.param("../use/", "guide/install/", "/guide/use/", id="sibling"),
        pytest.param("../..", "guide/install/", "/", id="root"),
        pytest.param("../../", "guide/install/", "/", id="root-with-slash"),
        pytest.param("./", "guide/install/", "/guide/install/", id="itself"),
        pytest.param("?a=b", "guide/install/", "/guide/install/", id="query-only"),
        pytest.param("a/./b/../c/", "", "/a/c/", id="dots"),
        pytest.param("guide/use/?x=1", "", "/guide/use/", id="query"),
        pytest.param("a.html", "guide/b.html", "/guide/a.html", id="file"),
        pytest.param("../index.html", "guide/b.html", "/", id="index-file"),
        pytest.param("%C3%BCber%20uns/", "", "/\u00fcber uns/", id="escapes"),
        pytest.param("u%CC%88/", "", "/\u00fc/", id="composed"),
        pytest.param("what%3F%23/", "", "/what?#/", id="escaped-marks"),
        pytest.param("a&amp;b/", "", "/a&b/", id="entity"),
        pytest.param("/docs/guide/", "a/", "/guide/", id="absolute"),
        pytest.param("/docs", "a/", "/", id="absolute-root"),
        pytest.param("https://kettle.example/docs/guide/", "", "/guide/", id="whole-address"),
        pytest.param("HTTPS://KETTLE.example/docs/", "a/", "/", id="whole-address-any-case"),
        pytest.param("//kettle.example/docs/guide/", "", "/guide/", id="no-scheme"),
        pytest.param("../../../docs/a/", "guide/install/", "/a/", id="out-and-in-again"),
        pytest.param("../../../../../docs/a/", "guide/", "/a/", id="above-the-host"),
        pytest.param("../a/../b/./", "guide/install/", "/guide/b/", id="more-dots"),
        pytest.param("../.a/", "guide/install/", "/guide/.a/", id="hidden-folder"),
        pytest.param("..", "guide/install/", "/guide/", id="only-dots"),
    ],
)
def test_a_link_leads_to_a_path_of_the_site(link: str, url: str, path: str) -> None:
    """As a browser would go, decoded as the path of a page is."""
    assert DOCS.locate(link.replace("&amp;", "&"), url) == (path, "")
    own = _links(f'<a href="{link}">x</a>', "elsewhere/" if url == "" else url)
    assert own.outbound == 0


@pytest.mark.parametrize(
    ("link", "outbound"),
    [
        pytest.param("https://other.example/docs/", 1, id="host"),
        pytest.param("//other.example", 1, id="no-scheme"),
        pytest.param("http://kettle.example:8000/docs/", 1, id="port"),
        pytest.param("https://[oops/", 1, id="no-address"),
        pytest.param("https://kettle.example/other/", 0, id="same-host"),
        pytest.param("/other/", 0, id="beside"),
        pytest.param("../../../", 0, id="above"),
        pytest.param("mailto:a@kettle.example", 0, id="mail"),
        pytest.param("tel:+43//1", 0, id="telephone"),
        pytest.param("&#109;ailto:a@kettle.example", 0, id="hidden-mail"),
        pytest.param("javascript:void(0)", 0, id="script"),
        pytest.param("", 0, id="empty"),
    ],
)
def test_other_links_lead_out_of_the_site_or_nowhere(link: str, outbound: int) -> None:
    """Those to other hosts are counted, each of them."""
    html = f"<a href='{link}'>x</a>"
    assert _links(html + html) == Links([], [], 2 * outbound)


@pytest.mark.parametrize(
    ("html", "paths"),
    [
        pytest.param('<a class="b" href="../b/">', ["/guide/b/"], id="after-others"),
        pytest.param("<a href='../b/'>", ["/guide/b/"], id="quote"),
        pytest.param("<A HREF=../b/>", ["/guide/b/"], id="no-quotes"),
        pytest.param('<a\nhref = " ../b/ ">', ["/guide/b/"], id="white-space"),
        pytest.param('<a data-href="../b/">', [], id="other-attribute"),
        pytest.param('<abbr href="../b/"><link href="../c/">', [], id="other-element"),
        pytest.param('<a title="x" data-href="../b/" href="../c/">', ["/guide/c/"], id="second"),
        pytest.param('<pre><a href="../b/"></pre>', [], id="code"),
        pytest.param('<!-- <a href="../b/"> -->', [], id="comment"),
        pytest.param(
            '<a href="../c/"><a href="../b/"><a href="../c/#x">',
            ["/guide/b/", "/guide/c/"],
            id="each-once-sorted",
        ),
        pytest.param('<a href="#x">', [], id="itself"),
        pytest.param(f'<a href="../{"a" * 1100}/">', [], id="too-long"),
    ],
)
def test_the_links_of_a_page(html: str, paths: list[str]) -> None:
    """Those that a reader can follow, in any way of writing them."""
    assert _links(html).paths == paths


@pytest.mark.parametrize(
    ("html", "anchors"),
    [
        pytest.param('<a href="../b/#in%20it">', ["/guide/b/#in it"], id="other-page"),
        pytest.param('<a href="#top"><a href="#top">', ["/guide/install/#top"], id="own-page"),
        pytest.param('<a href="#">', [], id="empty"),
        pytest.param(
            '<h2 id="a">A<a class="headerlink" href="#a">&para;</a></h2>', [], id="permalink"
        ),
        pytest.param('<h3 id="\u00fc"><a href="#%C3%BC">A</a></h3>', [], id="whole-heading"),
        pytest.param(
            '<h2 id="a">See <a href="#b">b</a></h2>',
            ["/guide/install/#b"],
            id="another-in-a-heading",
        ),
        pytest.param(
            '<h2 id="a">A</h2><p><a href="#a">up</a>', ["/guide/install/#a"], id="after-the-heading"
        ),
        pytest.param('<a href="#fn:1"><a href="#fnref2:1">', [], id="footnote"),
        pytest.param(f'<a href="#{"a" * 201}">', [], id="too-long"),
    ],
)
def test_the_anchors_of_a_page(html: str, anchors: list[str]) -> None:
    """Those that the author wrote; not the sign beside a heading, not a footnote."""
    assert _links(html).anchors == anchors


def test_without_an_address_every_host_is_another() -> None:
    """Nobody knows where the site will be; links from its root are taken to be its own."""
    html = '<a href="https://kettle.example/docs/a/"><a href="/a/"><a href="../b/">'

    assert _links(html, "c/", Address(None)) == Links(["/a/", "/b/"], [], 1)


@pytest.mark.parametrize("theme", ["mkdocs", "readthedocs", "material"])
@pytest.mark.parametrize("directory_urls", [True, False])
def test_the_manifest_has_the_links_between_pages(
    site: Site, theme: str, *, directory_urls: bool
) -> None:
    """Of what the author wrote, and not of what the theme puts around it; only those to pages."""
    site.settings = {
        "theme": theme,
        "use_directory_urls": directory_urls,
        "site_url": "https://kettle.example/docs/",
        "markdown_extensions": ["footnotes", {"toc": {"permalink": True}}],
    }
    site.write("a file.pdf", "")
    site.write("guide/\u00fcber uns.md", "# \u00dcber\n")
    site.write(
        "guide/install.md",
        "# Install\n\n## Next\n\n[Home](../index.md), [us](<\u00fcber uns.md>), "
        "[guide](index.md#g), [again](index.md), [file](<../a file.pdf>), [here](#next)[^1],\n"
        "<https://other.example/>, [there](https://other.example/a), <a@kettle.example>,\n"
        "[whole](https://kettle.example/docs/guide/), [gone](https://kettle.example/docs/gone/)\n\n"
        "    [code](../index.md)\n\n[^1]: A note.\n",
    )
    site.write("guide/index.md", "# Guide\n\n## G\n")

    entries = site.build().entries()

    end = "/" if directory_urls else ".html"
    entry = entries[f"/guide/install{end}"]
    assert entry["links"] == ["/", "/guide/", f"/guide/\u00fcber uns{end}"]
    assert entry["anchors"] == ["/guide/#g", f"/guide/install{end}#next"]
    assert entry["outbound"] == 2
    assert not {"links", "anchors"} & entries["/"].keys()
    assert entries["/"]["outbound"] == 0


def test_links_to_what_is_no_page_of_the_manifest_are_left_out(site: Site) -> None:
    """An excluded page is not named by others; a folder without its slash is the page."""
    site.options["exclude"] = ["guide/install.md"]
    site.settings = {"nav": ["index.md", "guide/install.md", "guide/index.md"]}
    site.write(
        "index.md",
        '# Kettle\n\n[a](guide/install.md#b), <a href="guide">b</a>, <a href="guide#c">\n',
    )

    entry = site.build().entries()["/"]

    assert entry["links"] == ["/guide/"]
    assert entry["anchors"] == ["/guide/#c"]
    assert "next" not in entry


def test_anchors_that_something_else_has_are_left_out(site: Site) -> None:
    """Only headings are named: of a link to anything else nobody could say whether it works."""
    site.settings = {"markdown_extensions": ["attr_list"]}
    site.write(
        "guide/install.md",
        '# Install\n\nA word.\n{ #word }\n\n<a id="old"></a><a name="older"></a>\n\n'
        '##### Deep\n{ #deep }\n\n<span id="a&amp;b">c</span> id="text"\n',
    )
    anchors = ("install", "word", "old", "older", "deep", "a&b", "text", "gone", "wor")
    links = "\n".join(f"[{anchor}](install.md#{anchor})" for anchor in anchors)
    site.write("guide/index.md", f"# Guide\n\n{links}\n")
    site.write("index.md", "# Kettle\n\n[word](guide/install.md#word)\n")

    entries = site.build().entries()

    named = ("gone", "install", "text", "wor")
    assert entries["/guide/"]["anchors"] == [f"/guide/install/#{name}" for name in named]
    assert "anchors" not in entries["/"]
