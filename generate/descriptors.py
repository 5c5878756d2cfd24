"""What the proto files say of a message, a field, an enum or a value besides its form: annotations and rules.

Each is read here alone; what a face makes of it is the face's. A missing annotation raises ``ValueError``.
"""

from typing import TypeVar

from protobuf import DescEnum, DescEnumValue, DescField, DescMessage, DescOneof
from protobuf.wkt.google.protobuf.descriptor_pb import EnumValueOptions, FieldOptions

from xinqiao.buf.validate.validate_pb import FieldRules, RepeatedRules
from xinqiao.buf.validate.validate_pb import ext_field as rules_of
from xinqiao.buf.validate.validate_pb import ext_oneof as oneof_rules_of
from xinqiao.v1 import annotations_pb

_Options = TypeVar("_Options")


def message_annotation(message: DescMessage) -> annotations_pb.MessageAnnotation:
    """Return the annotation of a message."""
    return _present(message.proto.options, message.name)[annotations_pb.ext_message]


def field_annotation(field: DescField) -> annotations_pb.FieldAnnotation:
    """Return the annotation of a field."""
    return _field_options(field)[annotations_pb.ext_field]


def enum_annotation(enum: DescEnum) -> annotations_pb.EnumAnnotation:
    """Return the annotation of an enum."""
    return _present(enum.proto.options, enum.name)[annotations_pb.ext_enumeration]


def value_annotation(value: DescEnumValue) -> annotations_pb.EnumValueAnnotation:
    """Return the annotation of a value of an enum."""
    return _value_options(value)[annotations_pb.ext_value]


def kind_pattern(kind: DescEnumValue) -> str:
    """Return the pattern of a value of ``FieldAnnotation.Kind``."""
    return _value_options(kind)[annotations_pb.ext_pattern]


def values_of(enum: DescEnum) -> list[DescEnumValue]:
    """Return the values of an enum without the zero value, which no message holds."""
    return [value for value in enum.values if value.number != 0]


def field_rules(field: DescField) -> FieldRules:
    """Return the rules of a field; there may be none."""
    options = _field_options(field)
    return options[rules_of] if rules_of in options else FieldRules()


def repeated_rules(field: DescField) -> RepeatedRules:
    """Return the rules of a repeated field. Raises ``ValueError`` where they do not limit it."""
    rules = field_rules(field).type
    repeated = rules.value if rules is not None else None
    if not isinstance(repeated, RepeatedRules) or not repeated.max_items:
        raise ValueError(f"{field.name}: a repeated field says how many items it holds at most")
    return repeated


def is_required(oneof: DescOneof) -> bool:
    """Say whether one of the fields must be present."""
    options = oneof.proto.options
    return options is not None and options[oneof_rules_of].required


def _field_options(field: DescField) -> FieldOptions:
    return _present(field.proto.options, f"{field.parent.name}.{field.name}")


def _value_options(value: DescEnumValue) -> EnumValueOptions:
    return _present(value.proto.options, value.name)


def _present(options: _Options | None, name: str) -> _Options:
    if options is None:
        raise ValueError(f"{name} has no annotation")
    return options
