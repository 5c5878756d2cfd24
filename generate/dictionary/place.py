"""Where a part stands: on a page of its own, or on that of its message type."""

from xinqiao.explanation import Part, parts, reference
from xinqiao.standard import message_types


def is_message(part: Part) -> bool:
    """Say whether a part is the body of a message type."""
    return any(kind.name == part.name for kind in message_types().values())


def is_shared(part: Part) -> bool:
    """Say whether several message types hold a part, which then has a page of its own."""
    return len(part.used_in) > 1 and not is_message(part)


def page_of(part: Part) -> str:
    """Return the page that describes a part, relative to the folder of the dictionary."""
    if is_shared(part):
        return f"parts/{part.name}.md"
    return f"{part.name if is_message(part) else part.used_in[0]}.md"


def link(part: Part, up: str) -> str:
    """Return a link to a part; ``up`` leads to the folder of the dictionary."""
    return f"[{part.name}]({up}{page_of(part)}#{part.name})"


def own_parts(part: Part) -> list[Part]:
    """Return a part and those below it that have no page of their own, each once."""
    found = {part.name: part}
    waiting = [part]
    while waiting:
        below = [each for each in held_parts(waiting.pop(0)) if each.name not in found and not _stands_alone(each)]
        found |= {each.name: each for each in below}
        waiting += below
    return list(found.values())


def _stands_alone(part: Part) -> bool:
    return is_shared(part) or is_message(part)


def held_parts(part: Part) -> list[Part]:
    """Return the parts that the fields of a part hold, each once."""
    names = (reference(field) for field in part.schema["properties"].values())
    return [parts()[name] for name in dict.fromkeys(name for name in names if name)]
