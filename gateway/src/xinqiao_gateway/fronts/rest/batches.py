"""Batches of files over HTTP, for operators: which came, what became of each, and of its records."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query

from xinqiao_gateway.batches.views import batch_view, batches_view
from xinqiao_gateway.fronts.rest.access import REFUSALS, Served, reader

__all__ = ["router"]

router = APIRouter(prefix="/v1", dependencies=[Depends(reader)], responses=REFUSALS)


@router.get("/batches", tags=["query"])
def batches(
    gateway: Served,
    channel: Annotated[str | None, Query(max_length=60)] = None,
    state: Literal["open", "taken", "refused"] | None = None,
    before: Annotated[int, Query(ge=0, le=2**63 - 1, description="file_id of the last of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[dict[str, Any]]:
    """Return batches, the last one first: how each stands, and its counts."""
    return batches_view(gateway.journal.reading, channel, state, before, limit)


@router.get("/batches/{file_id}", tags=["query"])
def batch(gateway: Served, file_id: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> dict[str, Any]:
    """Return a batch, and up to 1,000 of its records that were not simply accepted."""
    return batch_view(gateway.journal.reading, file_id)
