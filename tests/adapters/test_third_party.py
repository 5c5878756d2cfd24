"""Python adapters of third parties: found by entry point, named in the profile."""

from importlib.metadata import EntryPoint

import pytest

from tests.adapters.conftest import HEAD, NAV, Load
from xinqiao_adapters import channel as channel_module
from xinqiao_adapters.formats.canonical import CanonicalAdapter
from xinqiao_adapters.profile import Profile


def make(profile: Profile) -> CanonicalAdapter:
    return CanonicalAdapter(profile.interfaces)


def test_an_adapter_of_a_third_party_is_made_with_the_profile(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("theirs", f"{__name__}:make", "xinqiao.adapters")
    monkeypatch.setattr(EntryPoint, "load", lambda self: make)
    monkeypatch.setattr(channel_module, "entry_points", lambda group: [entry] if group == "xinqiao.adapters" else [])
    channel = load(HEAD + "adapter: theirs\n" + NAV)
    assert isinstance(channel.adapter, CanonicalAdapter)
    assert channel.delivers("navReport")
