"""Whether a message is valid: its schema, then the rules of the standard, all violations at once."""

from functools import cache

from jsonschema_rs import Draft202012Validator, RegexOptions

from xinqiao.finding import Finding
from xinqiao.message import Json, message_type
from xinqiao.rules import findings_of
from xinqiao.standard import strict_schema_of
from xinqiao.violations import Violations, listed

__all__ = ["check", "validator_of"]


def check(message: Json, *, strict: bool = False) -> list[Finding]:
    """Return every finding about one canonical message; an empty list where there is none.

    A clean message costs one ``is_valid`` of its compiled schema and one walk over the paths that have rules.
    Unknown fields are ``INFORMATION`` (``schema.unknown_field``), or ``ERROR`` in strict mode. Where the schema
    is violated, rules still run on the parts that are well-formed. At most 1,000 findings, errors first, as a
    rejection holds.

    Raises ``UnknownMessageType`` or ``UnsupportedVersion`` where no schema applies.
    """
    kind = message_type(message)
    validator = validator_of(kind.name)
    if validator.is_valid(message):
        return listed(findings_of(message, kind))
    violations = Violations(kind, message, strict=strict)
    for error in validator.iter_errors(message):
        violations.add(error)
        if violations.full:
            return listed(violations.findings)
    return listed([*violations.findings, *findings_of(message, kind, violations.unreadable)])


@cache
def validator_of(name: str) -> Draft202012Validator:
    """Compile the strict form of a schema: unknown fields fail it, so one call tells that a message is clean.

    The standard regex engine runs in linear time, whatever the input.
    """
    return Draft202012Validator(strict_schema_of(name), pattern_options=RegexOptions())
