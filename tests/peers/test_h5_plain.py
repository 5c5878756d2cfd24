"""The flows without JavaScript: every page works, and what the journal has is the same."""

import pytest

from tests.peers.h5_basics import unfit
from tests.peers.h5_site import H5Site
from tests.peers.h5_walks import BODIES, WALKS
from tests.peers.h5_windows import Windows


@pytest.mark.parametrize("name", WALKS)
def test_a_flow_is_gone_through_without_a_script(site: H5Site, windows: Windows, name: str) -> None:
    page, case_id = windows.phone(java_script_enabled=False), f"PLAIN-{name}"
    for at in WALKS[name](page, site, case_id):
        assert unfit(page) == [], at
    body, number = BODIES[name]
    assert len([each for each in site.messages(case_id) if body in each]) == number
