"""The assignment problem: the pairs of greatest total, each row and each column used once."""

from collections.abc import Mapping, Sequence

__all__ = ["best_pairs"]


def best_pairs(gains: Sequence[Mapping[int, float]]) -> dict[int, int]:
    """Return row → column of greatest total gain; ``gains`` are what each row's columns give, all above 0.

    A row may stay without a column. The Hungarian method, rows one after the other (Kuhn 1955, Munkres 1957).
    """
    columns = sorted({column for row in gains for column in row})
    place = {column: at for at, column in enumerate(columns, 1)}
    # A column of its own for each row stands for none.
    width = len(columns) + len(gains)
    costs = [[0.0] * (width + 1) for _ in range(len(gains) + 1)]
    for number, row in enumerate(gains, 1):
        for column, gain in row.items():
            costs[number][place[column]] = -gain
    taken = _solved(costs, len(gains), width)
    found = ((taken[at], columns[at - 1]) for at in range(1, len(columns) + 1) if taken[at])
    return {row - 1: column for row, column in found if column in gains[row - 1]}


def _solved(costs: list[list[float]], height: int, width: int) -> list[int]:
    """Return the row that has each column, 0 for none; rows and columns count from 1."""
    of_row, of_column = [0.0] * (height + 1), [0.0] * (width + 1)
    taken = [0] * (width + 1)
    for row in range(1, height + 1):
        taken[0], column = row, 0
        least, came, used = [float("inf")] * (width + 1), [0] * (width + 1), [False] * (width + 1)
        while taken[column]:
            used[column] = True
            line, base = costs[taken[column]], of_row[taken[column]]
            step, following = float("inf"), 0
            for each in range(1, width + 1):
                if used[each]:
                    continue
                rest = line[each] - base - of_column[each]
                if rest < least[each]:
                    least[each], came[each] = rest, column
                if least[each] < step:
                    step, following = least[each], each
            for each in range(width + 1):
                if used[each]:
                    of_row[taken[each]] += step
                    of_column[each] -= step
                else:
                    least[each] -= step
            column = following
        while column:
            taken[column] = taken[came[column]]
            column = came[column]
    return taken
