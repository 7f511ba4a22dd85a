"""What tests of networks share."""

import pytest


@pytest.fixture
def registered():
    """``nas.register``, whose operations are gone after the test."""
    from modelwright import nas
    from modelwright.nas.operations import _REGISTERED

    before = dict(_REGISTERED)
    yield nas.register
    _REGISTERED.clear()
    _REGISTERED.update(before)
