"""Rewrite ``time_zones.json`` from the IANA data in the PyPI package ``tzdata``.

Run it after installing a new ``tzdata``: ``python tracker_server/data/update_time_zones.py``.
"""

import json
from importlib.resources import files
from pathlib import Path


def countries_by_zone() -> dict[str, str]:
    """Return the ISO 3166 code of every zone name, old names included, that lies in one country."""
    source = files("tzdata") / "zoneinfo"
    countries: dict[str, str] = {}
    for line in (source / "zone.tab").read_text().splitlines():
        if not line.startswith("#"):
            code, _, zone = line.split("\t")[:3]
            countries[zone] = code
    links = [
        line.split()[1:]
        for line in (source / "tzdata.zi").read_text().splitlines()
        if line[:2] == "L "
    ]
    for _ in range(3):  # A few links lead to links.
        for target, alias in links:
            if target in countries:
                countries.setdefault(alias, countries[target])
    return dict(sorted(countries.items()))


if __name__ == "__main__":
    path = Path(__file__).with_name("time_zones.json")
    path.write_text(json.dumps(countries_by_zone(), indent=0) + "\n")
