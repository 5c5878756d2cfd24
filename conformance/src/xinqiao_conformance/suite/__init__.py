"""The tests of the standard. Each is marked with the requirement that it exercises."""

import pytest

from xinqiao_conformance.requirements import requirement_of

__all__ = ["requirement"]


def requirement(requirement_id: str) -> pytest.MarkDecorator:
    """Mark a test with a requirement; an unknown id fails when the test is imported."""
    known = requirement_of(requirement_id)
    return pytest.mark.requirement(known.id)
