"""Rules of retention as data, ``DATA/retention.yaml``: what may go, and when. Without the file nothing goes."""

import re
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.processes.model import processes

__all__ = ["EraseRule", "Period", "RetentionRules", "period", "read_rules"]

_PERIOD = re.compile(r"P(?:([0-9]{1,3})Y)?(?:([0-9]{1,4})D)?")
_DAY = 86_400.0
# No shorter than any period the law knows: a year counts with its leap day.
_YEAR = 366 * _DAY
_LARGEST = 1 << 20


def period(value: Any) -> float:  # noqa: ANN401 -- any YAML, before it is checked
    """Return the seconds of an ISO 8601 period of years and days, ``P180D``, ``P2Y``. Raises ``ValueError``."""
    found = _PERIOD.fullmatch(str(value))
    seconds = int(found[1] or 0) * _YEAR + int(found[2] or 0) * _DAY if found else 0.0
    if not seconds:
        raise ValueError(f"{str(value)[:40]!r} is no period; write P180D or P2Y")
    return seconds


# Seconds.
Period = Annotated[float, BeforeValidator(period)]


class EraseRule(BaseModel, extra="forbid", frozen=True):
    """Cases that stand in one of ``states`` for ``after`` are erased: their keys are destroyed, evidence stays.

    ``process``: only cases of that one. ``approval``: it is proposed, and an operator approves each; without, the
    gateway does it and says so in the journal.
    """

    states: tuple[str, ...] = Field(min_length=1)
    after: Period
    process: str | None = None
    approval: bool = True


class RetentionRules(BaseModel, extra="forbid", frozen=True):
    """All rules; None: kept for ever. Times count from when a thing was settled, raised, or happened."""

    erase: tuple[EraseRule, ...] = ()
    obligations: Period | None = None
    alarms: Period | None = None
    marks: Period | None = None
    attempts: Period | None = None
    files: Period | None = None


def read_rules(data: Path) -> RetentionRules:
    """Read an installation's rules; none where there is no file. Raises ``SettingsInvalid`` with what is wrong."""
    path = data / "retention.yaml"
    try:
        with path.open("rb") as file:
            rules = RetentionRules.model_validate(yaml.safe_load(file.read(_LARGEST)) or {})
    except FileNotFoundError:
        return RetentionRules()
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsInvalid(f"{path}: {' '.join(str(error).split())[:200]}") from error
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise SettingsInvalid(f"{path}: {said}") from error
    for rule in rules.erase:
        _check_states(path, rule)
    return rules


def _check_states(path: Path, rule: EraseRule) -> None:
    """Refuse a rule for states that no process has, or in which a case is still under way."""
    known = processes()
    if rule.process is not None and rule.process not in known:
        raise SettingsInvalid(f"{path}: {rule.process!r} is no process: {', '.join(sorted(known))}")
    named = [known[rule.process]] if rule.process else list(known.values())
    final = {state for process in named for state, each in process.states.items() if each.get("final")}
    for state in rule.states:
        if state not in final:
            raise SettingsInvalid(f"{path}: no case ends in {state!r}; these are ends: {', '.join(sorted(final))}")
