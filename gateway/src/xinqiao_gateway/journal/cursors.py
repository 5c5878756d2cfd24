"""Up to where a pulling partner has acknowledged what it got."""

from sqlalchemy import Engine, func, select

from xinqiao_gateway.journal import tables

__all__ = ["acknowledged"]

_d = tables.deliveries.c


def acknowledged(engine: Engine, channel: str) -> int:
    """Return the cursor after which everything that a channel has not acknowledged comes."""
    first = select(func.min(_d.sequence)).where(_d.channel == channel, _d.state == "waiting")
    last = select(func.max(_d.sequence)).where(_d.channel == channel)
    with engine.begin() as connection:
        waiting = connection.execute(first).scalar()
        return int(waiting) - 1 if waiting is not None else int(connection.execute(last).scalar() or 0)
