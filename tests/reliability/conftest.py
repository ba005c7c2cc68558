"""Several of these start a tracker again and again in one process."""

from tests import compiled

compiled.share()
