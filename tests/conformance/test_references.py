"""Of each role the reference passes a kit, without what waits; all kits and samples of mutants are in tests/kits."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.conformance.passing import failed_on
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.kits import Kit, kit_named
from xinqiao_conformance.mutants import gateways, hosts, partners, partners_of_files
from xinqiao_conformance.running import planned

_WAITING = frozenset({"TRN-004", "TRN-011", "FIL-006", "FIL-007", "TRN-005"})


@pytest.mark.parametrize(
    ("name", "declared", "reference"),
    [
        ("sender/abs/rest", partners.declared, partners.reference_sender),
        ("receiver/abs/rest", partners.declared, partners.reference_receiver),
        ("gateway/abs/rest", gateways.declared, gateways.reference_gateway),
        ("file-partner/registration/sftp", partners_of_files.partner_declared, partners_of_files.reference_partner),
        ("h5-host/abs/h5", hosts.host_declared, hosts.reference_host),
    ],
)
def test_a_reference_passes_a_kit(
    name: str, declared: Callable[[Kit], Declaration], reference: Callable[[Kit], AbstractContextManager[Any]]
) -> None:
    kit = kit_named(name)
    runs = [each for each in planned(declared(kit), kit) if each.case.requirement.id not in _WAITING]
    with reference(kit) as bench:
        assert failed_on(bench, runs) == []
