"""The short forms of the promises about privacy, and that they can fail."""

from pathlib import Path

from tests.reliability import left_out, traces

SEED = 20_261_129
VISITORS = 45


def test_no_visitor_leaves_a_trace(tmp_path: Path) -> None:
    """P15: no address, user agent or session id in any file, and no key of a day that is over."""
    outcome = traces.run(VISITORS, SEED, tmp_path)

    assert outcome.passed, outcome
    assert outcome.visitors >= VISITORS


def test_a_tracker_that_logs_addresses_is_found_out(tmp_path: Path) -> None:
    """P3: the same search finds them."""
    outcome = traces.run(12, SEED, tmp_path, "tests.reliability.logs_addresses")

    assert outcome.is_complete
    assert list(outcome.found) == ["addresses in the log"]


def test_who_is_no_reader_or_does_not_want_to_be_one_is_left_out(tmp_path: Path) -> None:
    """P17: no row of any message with a signal, hardly a program, every browser."""
    outcome = left_out.run(tmp_path, left_out.PROGRAMS[::20])

    assert outcome.passed, outcome


def test_a_tracker_that_sees_nothing_is_found_out(tmp_path: Path) -> None:
    """P3: there everything counts."""
    outcome = left_out.run(tmp_path, left_out.PROGRAMS[::100], is_blind=True)

    assert outcome.rows > 0
    assert outcome.programs_counted == outcome.programs
