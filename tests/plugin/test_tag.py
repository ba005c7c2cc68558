"""What the options make of the tag and of the files beside it, in whole sites."""

import re
from base64 import b64encode
from hashlib import sha256, sha384

import pytest

from tests.plugin.sites import REPOSITORY, Built, Site

THEMES = ["mkdocs", "readthedocs", "material"]


def tracker_of(built: Built, page: str = "guide/install/index.html") -> dict[str, str | None]:
    """Return the attributes of a page's script, the address of the tracker left out."""
    (tracker,) = built.tags(page).trackers
    return {name: value for name, value in tracker.items() if name != "data-tracker"}


@pytest.mark.parametrize("theme", THEMES)
def test_the_second_script_lies_beside_the_first(site: Site, theme: str) -> None:
    """Every page names it relative to the first, whose folder is where the browser looks."""
    site.settings = {"theme": theme}

    built = site.build()

    folder = built.root / "assets/mkdocs-stats"
    for page in ("index.html", "guide/install/index.html", "404.html"):
        name = tracker_of(built, page)["data-extras"]
        assert re.fullmatch(r"\./extras\.[0-9a-f]{8}\.js", str(name))
        assert (folder / str(name)).is_file()


@pytest.mark.parametrize("theme", THEMES)
def test_the_second_script_can_be_left_out(site: Site, theme: str) -> None:
    """Neither named nor published."""
    site.settings = {"theme": theme}
    site.options["extras"] = False

    built = site.build()

    assert "data-extras" not in tracker_of(built)
    assert [file.name.split(".")[0] for file in built.root.glob("assets/mkdocs-stats/*")] == [
        "tracker"
    ]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    ("options", "attributes"),
    [
        ({}, {}),
        ({"respect_dnt": True, "visitor_id": "persistent"}, {}),
        ({"respect_dnt": False}, {"data-dnt": None}),
        ({"visitor_id": "daily"}, {"data-visitor": "daily"}),
        ({"track_local": True}, {"data-local": "1"}),
    ],
)
def test_options_become_attributes(
    site: Site, theme: str, options: dict[str, object], attributes: dict[str, str | None]
) -> None:
    """What the site has chosen is in the tag, and defaults are not."""
    site.settings = {"theme": theme}
    site.options |= options

    tracker = tracker_of(site.build())

    assert set(tracker) == {"async", "src", "data-extras", *attributes}
    assert tracker == tracker | attributes


def test_the_integrity_is_printed_and_not_in_the_tag(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """The value is that of the published file; a file of the site itself needs none in its tag."""
    caplog.set_level("INFO", "mkdocs.plugins")

    built = site.build()

    (script,) = built.root.glob("assets/mkdocs-stats/tracker.*.js")
    integrity = f"sha384-{b64encode(sha384(script.read_bytes()).digest()).decode()}"
    assert f"assets/mkdocs-stats/{script.name} has the integrity {integrity}" in caplog.text
    assert not {"integrity", "crossorigin"} & set(tracker_of(built))


@pytest.mark.parametrize("theme", THEMES)
def test_the_script_is_the_same_for_everybody(site: Site, theme: str) -> None:
    """Whatever a site chooses, the published bytes are the package's."""
    site.settings = {"theme": theme}
    site.options |= {"visitor_id": "daily", "respect_dnt": False, "track_local": True}

    built = site.build()

    for name in ("tracker", "extras"):
        (script,) = built.root.glob(f"assets/mkdocs-stats/{name}.*.js")
        shipped = REPOSITORY / "mkdocs_stats_plugin/assets" / f"{name}.js"
        assert script.read_bytes() == shipped.read_bytes()


def test_the_script_lies_under_the_hash_of_its_content(site: Site) -> None:
    """What may be kept for ever under a name is never another under that name."""
    built = site.build()

    scripts = sorted(built.root.glob("assets/mkdocs-stats/*.js"))
    assert {script.name.split(".")[0] for script in scripts} >= {"tracker", "extras"}
    for script in scripts:
        name, digest, _ = script.name.split(".")
        assert sha256(script.read_bytes()).hexdigest().startswith(digest), name
        assert len(digest) == 8
