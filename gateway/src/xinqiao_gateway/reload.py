"""What a reload changes: compared by content, said by name, applied where it can be without a restart."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from xinqiao_gateway.fingerprints import Change
from xinqiao_gateway.installation import Installation
from xinqiao_gateway.service import FIXED, Service
from xinqiao_gateway.settings import Settings

__all__ = ["Reloaded", "kept", "loops_to_renew", "needs_restart", "settings_changed"]

# Settings that a channel's loop is made with.
_LOOP = ("retry", "push_parallel", "lease")


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload did. ``restart`` names what was changed and holds from the next start on."""

    channels: Change
    files: Change
    settings: tuple[str, ...]
    restart: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it for people and machines."""
        return {
            "channels": self.channels.as_json(),
            "files": self.files.as_json(),
            "settings": list(self.settings),
            "restart": list(self.restart),
        }


def settings_changed(old: Settings, new: Settings) -> tuple[str, ...]:
    """Return the names of the settings that differ."""
    before, after = _values(old), _values(new)
    return tuple(sorted(name for name in after if before[name] != after[name]))


def needs_restart(old: Installation, new: Installation) -> tuple[str, ...]:
    """Return what was changed that a reload leaves as it is."""
    fixed = [name for name in settings_changed(old.settings, new.settings) if name in FIXED]
    other_key = old.key.public().jwk() != new.key.public().jwk()
    return (*fixed, "keys/gateway.jwk") if other_key else tuple(fixed)


def kept(old: Installation, new: Installation) -> Installation:
    """Return the new installation with what only a restart changes as it was."""
    stay = {name: getattr(old.settings, name) for name in FIXED}
    return replace(new, settings=new.settings.model_copy(update=stay), key=old.key)


def loops_to_renew(reloaded: Reloaded, old: Service, new: Service) -> frozenset[str]:
    """Return the channels whose delivery loop ends or begins."""
    change = reloaded.channels
    names = {*change.added, *change.changed, *change.removed}
    if any(getattr(old.settings, name) != getattr(new.settings, name) for name in _LOOP):
        names |= {each.channel_id for service in (old, new) for each in service.channels}
    return frozenset(names)


def _values(settings: Settings) -> Mapping[str, Any]:
    return {name: getattr(settings, name) for name in type(settings).model_fields}
