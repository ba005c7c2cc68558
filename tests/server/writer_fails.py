"""A tracker whose writer meets a defect at its third batch."""

from collections.abc import Sequence

from tracker_server import app, cli
from tracker_server.model import Received
from tracker_server.store import Store

BATCH = 3


class _Failing(Store):
    """A store with the defect."""

    batches = 0

    def write(self, batch: Sequence[Received]) -> None:
        """Store a batch, but the third."""
        self.batches += 1
        if self.batches == BATCH:
            raise LookupError("a value that a reader sent")
        super().write(batch)


if __name__ == "__main__":
    app.Store = _Failing  # type: ignore[attr-defined]
    cli.main()
