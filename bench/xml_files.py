"""A large XML file of loan repayments, made up record by record."""

from collections.abc import Iterator
from pathlib import Path

__all__ = ["repayments"]

_NAMES = ("王小明", "李建国", "欧阳䶮", "赵·阿依", "陈婷婷")


def repayments(path: Path, count: int, encoding: str = "GB18030") -> None:
    """Write a file of ``count`` records of 14 fields, about 400 bytes each."""
    with path.open("wb") as file:
        for markup in _markup(count, encoding):
            file.write(markup.encode(encoding))


def _markup(count: int, encoding: str) -> Iterator[str]:
    yield f'<?xml version="1.0" encoding="{encoding}"?>\n<TranData>\n<Head><BatchNo>B20260131</BatchNo>'
    yield f"<Count>{count}</Count></Head>\n<Body>\n<RepayList>\n"
    for number in range(1, count + 1):
        principal, interest = number % 100000 + 100, number % 997
        yield (
            f"<Repay><Serial>R{number:09}</Serial><LoanNo>L{number % 9973:07}</LoanNo>"
            f"<Name>{_NAMES[number % len(_NAMES)]}</Name><CertType>1</CertType>"
            f"<CertNo>11010119900307{number % 10000:04}</CertNo>"
            f"<Day>20260131</Day><PayDay>20260130</PayDay><Kind>{number % 2 + 1}</Kind><Term>{number % 36 + 1}</Term>"
            f"<Amount>{principal + interest}</Amount><Principal>{principal}</Principal>"
            f"<Interest>{interest}</Interest><Currency>CNY</Currency><State>2</State></Repay>\n"
        )
    yield "</RepayList>\n</Body>\n</TranData>\n"
