"""The short form of a full disk, on a disk of its own or under a limit of the size of files."""

import pytest

from tests.reliability import full


@pytest.mark.parametrize("limit", [False, True], ids=["disk", "limit"])
def test_a_full_disk_is_an_outage_of_writes_only(*, limit: bool) -> None:
    """P5: what is refused is said so, what is read is there, and it ends by itself."""
    outcome = full.run(2, limit=limit)

    assert outcome.passed, outcome
    assert outcome.refused >= 2
    assert outcome.pruned == (not limit and full.has_namespaces())
