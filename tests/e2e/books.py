"""The site that the scripted readers read, in each theme.

Links carry ids, so a reader finds them in any theme; everything else is as the theme makes it.
"""

import json
from pathlib import Path

TITLES = {
    "/": "Welcome",
    "/second/": 'The "second" & last but seven',
    "/third/": "Third",
    "/fourth/": "Fourth",
    "/fifth/": "Fifth",
    "/sixth/": "Sixth",
    "/aside/": "Aside",
    "/chosen/": "Chosen",
    "/dropped/": "Dropped",
    "/hidden/": "Prerendered in vain",
    "/shown/": "Prerendered for good",
}
"""What the manifest calls each page."""

_THEMES: dict[str, dict[str, object]] = {
    # Highlighting would be loaded from another host.
    "mkdocs": {"name": "mkdocs", "highlightjs": False},
    "readthedocs": {"name": "readthedocs", "highlightjs": False},
    "material": {
        "name": "material",
        "font": False,
        "features": [
            "navigation.instant",
            "navigation.instant.prefetch",
            "navigation.instant.progress",
            "navigation.tracking",
            "navigation.tabs",
        ],
    },
}
THEMES = tuple(_THEMES)
_TEXT = "It boils, and it tells you when it has boiled.\n\n" * 20
_LINKS = "\n".join(
    f"- [to {path}]({(path.strip('/') or 'index') + '.md'}){{ #to-{path.strip('/') or 'home'} }}"
    for path in TITLES
)
_PAGE = f"""
<div data-stats="opt-out"></div>

{_LINKS}
- [down](#part-three){{ #down }}
- [to a part](fourth.md#part-two){{ #to-part }}
- [found](fifth.md?h=kettle){{ #found }}

## Part one

{_TEXT}

## Part two

{_TEXT}

## Part three

{_TEXT}
"""


def write_book(folder: Path, theme: str, site_url: str, **options: object) -> Path:
    """Write the sources of the site; return its `mkdocs.yml`."""
    docs = folder / "docs"
    docs.mkdir(parents=True)
    for path, title in TITLES.items():
        text = f"# {title}\n{_PAGE}"
        (docs / f"{path.strip('/') or 'index'}.md").write_text(text, encoding="utf-8")
    settings = {
        "site_name": "Kettle",
        "site_url": site_url,
        "theme": _THEMES[theme],
        "markdown_extensions": ["attr_list"],
        # The links with a query are no files, which is as it should be.
        "validation": {"links": {"not_found": "info", "unrecognized_links": "info"}},
        "plugins": ["search", {"stats": options}],
    }
    config = folder / "mkdocs.yml"
    config.write_text(json.dumps(settings), encoding="utf-8")
    return config
