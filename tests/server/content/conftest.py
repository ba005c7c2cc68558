"""What the tests of content reports share."""

import pytest

from tests.server.conftest import MakeSite, Site


@pytest.fixture
def bare(make_site: MakeSite) -> Site:
    """Return a tracker without manifest."""
    return make_site()
