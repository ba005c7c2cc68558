"""A promise that tests of pytest keep: all of them must run, and pass.

``python -m tests.reliability.suite P14 tests/server/test_reference_model.py``
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.processes import ROOT
from tests.reliability.promise import conclude


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("promise")
    parser.add_argument("tests", nargs="+")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", f"--junit-xml={report}"]
        subprocess.run([*command, *options.tests], cwd=ROOT, stdout=sys.stderr, check=False)
        suite = ET.parse(report).getroot().find("testsuite")
    assert suite is not None
    counts = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    bad = sum(counts.values()) - counts["tests"]
    reached = (
        f"{counts['tests'] - bad} of {counts['tests']} tests passed ({' '.join(options.tests)})"
    )
    conclude(options.promise, reached, passed=counts["tests"] > 0 and not bad)


if __name__ == "__main__":
    main()
