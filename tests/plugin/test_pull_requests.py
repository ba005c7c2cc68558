"""`docs/pull-requests.md` says what there is, and its workflow does what it says."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mkdocs_stats_plugin.cli import main, pr_report
from mkdocs_stats_plugin.review_text import MARKER
from tests.plugin.branches import Project, Read, run_report, start_tracker
from tests.plugin.sites import REPOSITORY

DOCUMENT = (REPOSITORY / "docs" / "pull-requests.md").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load(DOCUMENT.split("```yaml")[1].split("\n", maxsplit=1)[1].split("```")[0])
JOB = WORKFLOW["jobs"]["report"]
STEPS = {step.get("name", step.get("uses", step.get("run"))): step for step in JOB["steps"]}


def test_every_option_is_documented_with_its_default() -> None:
    """And no other is."""
    rows = re.findall(r"^\| (`-.*?) \| .* \| (.*) \|$", DOCUMENT, re.MULTILINE)
    documented = {tuple(re.findall(r"`(-[^`]+)`", names)): default for names, default in rows}

    assert set(documented) == {tuple(parameter.opts) for parameter in pr_report.params}
    assert [
        (option.opts[-1], str(option.default), documented[tuple(option.opts)].strip("`"))
        for option in pr_report.params
        if isinstance(option.default, str | int) and option.default
    ] == [
        ("--base", "main", "main"),
        ("--max-readers", "10", "10"),
        ("--format", "markdown", "markdown"),
    ]


def test_every_key_is_documented(tmp_path: Path) -> None:
    """The tables name what the JSON has."""
    project = Project(tmp_path / "project")
    project.branch()
    project.write("new.md", "# New\n")
    project.commit()

    report = json.loads(run_report(project.root, "--format", "json").stdout)

    table = DOCUMENT.split("## JSON")[1]
    keys = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)))
    assert keys == [*report, *report["pages"][0]]


def test_the_workflow_is_safe_for_forks() -> None:
    """It runs with the rights of the fork, asks for few, and gives secrets to one step alone."""
    assert list(WORKFLOW[True]) == ["pull_request"]  # What YAML 1.1 makes of "on".
    assert WORKFLOW["permissions"] == {}
    assert JOB["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert [name for name, step in STEPS.items() if "secrets." in str(step)] == ["Report"]
    assert [name for name, step in STEPS.items() if "github.token" in str(step)] == ["Comment"]
    # Text of whoever opens a pull request would be a command in a script.
    assert [step["run"] for step in JOB["steps"] if "${{" in step.get("run", "")] == []
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    assert own in STEPS["Comment"]["if"]
    assert STEPS["actions/checkout@v4"]["with"]["fetch-depth"] == 0


@pytest.mark.parametrize("block", re.findall(r"mkdocs-stats pr-report --[a-z][^`\n]*", DOCUMENT))
def test_commands_are_taken(block: str) -> None:
    """Each command line of the document is one of the command."""
    _, name, *options = shlex.split(block)
    command = main.commands[name]

    command.make_context(name, options)


GH = """#!/bin/sh
for argument; do printf '%s\\n' "$argument"; done >> "$GH_CALLS"
echo --- >> "$GH_CALLS"
case "$*" in *--jq*) cat "$GH_COMMENTS" ;; esac
"""


@pytest.mark.parametrize(
    ("known", "sent"),
    [
        pytest.param("", ["--silent", "COMMENTS"], id="first-push"),
        pytest.param(
            "https://api/comments/7\nhttps://api/comments/9\n",
            ["--silent", "--method", "PATCH", "https://api/comments/7"],
            id="later-push",
        ),
    ],
)
def test_the_steps_report_show_and_comment(tmp_path: Path, known: str, sent: list[str]) -> None:
    """As GitHub runs them, with its own command replaced by one that writes down its calls."""
    project = Project(tmp_path / "project")
    project.write("faq.md", "# Questions\n")
    project.branch()
    project.remove("faq.md")
    project.commit()
    tracker = start_tracker(tmp_path / "tracker", {"/faq/": Read(12)})
    folder = project.root / "website"
    commands = tmp_path / "bin"
    commands.mkdir()
    _write_command(commands / "gh", GH)
    code = "from mkdocs_stats_plugin.cli import main; main()"
    _write_command(
        commands / "mkdocs-stats", f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n'
    )
    (tmp_path / "comments").write_text(known)
    variables = {
        **os.environ,
        "PATH": f"{commands}:{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "BASE": "main",
        "COMMENTS": "COMMENTS",
        "GH_CALLS": str(tmp_path / "calls"),
        "GH_COMMENTS": str(tmp_path / "comments"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    address = f"http://127.0.0.1:{tracker.port}"
    codes = {}
    try:
        for name in ("Report", "Show", "Comment"):
            script = STEPS[name]["run"].replace("https://stats.example.org", address)
            step = subprocess.run(
                ["bash", "-e", "-c", script], cwd=folder, env=variables, check=False
            )
            codes[name] = step.returncode
    finally:
        tracker.stop()

    assert codes == {"Report": 1, "Show": 0, "Comment": 0}
    summary = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith(MARKER)
    assert "/stats?page=/faq/) | ❌ deleted, **no redirect**<br>none of its views" in summary
    asked, written, end = (tmp_path / "calls").read_text().split("---\n")
    assert asked.splitlines()[:4] == ["api", "--paginate", "COMMENTS", "--jq"]
    assert f'startswith("{MARKER}")' in asked
    assert written.splitlines() == ["api", *sent, "-F", "body=@report.md"]
    assert end == ""


def _write_command(file: Path, script: str) -> None:
    file.write_text(script)
    file.chmod(0o755)
