# ruff: noqa: D103 -- the names say it
"""How a batch is laid: names, order, done mark, numbers."""

import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise

from xinqiao.errors import ContentRefused
from xinqiao.finding import Text
from xinqiao_conformance.benches.files import FilesBench, Sent
from xinqiao_conformance.benches.taking import MANIFEST, MARK, Laid, Turn
from xinqiao_conformance.cases.files import case
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import personal_values
from xinqiao_conformance.personal import personal_in

_LONGEST = 200
# Seconds in which whoever sends again what was refused has done so.
_AFTERWARDS = 0.5
_OLDEST = timedelta(days=15)
_CHINA = timezone(timedelta(hours=8))
_RENAME = Text(
    "先写入临时名（如加 .part），写完后改名，最后放完成标志",
    "write under a temporary name (with .part, say), rename it when it is whole, and lay the done mark last",
)


def _place(laid: Laid, name: str, *what: str) -> int:
    """Return which step was the last of a kind for a name, -1 where there was none."""
    places = [place for place, step in enumerate(laid.steps) if step.name == name and (not what or step.what in what)]
    return places[-1] if places else -1


@case("TRN-010")
def file_and_manifest_appear_whole_under_their_names(bench: FilesBench) -> None:
    for sent in bench.several:
        for name in (sent.batch.name, sent.batch.name + MANIFEST):
            in_place = _place(sent.batch, name, "created", "written") >= 0
            sent.require(not in_place, "以临时名写入后改名", "written under a temporary name, then renamed", _RENAME)


@case("TRN-010")
def the_done_mark_is_there_and_comes_last(bench: FilesBench) -> None:
    for sent in bench.several:
        laid = sent.batch
        sent.require(laid.marked, f"完成标志（文件名加 {MARK}）", f"a done mark (the name and {MARK})", _RENAME)
        marked = _place(laid, laid.name + MARK, "created", "renamed")
        for name in (laid.name, laid.name + MANIFEST):
            before = _place(laid, name, "created", "written", "renamed") < marked
            sent.require(before, "先有数据文件和清单，后有完成标志", "file and manifest before the done mark", _RENAME)


@case("TRN-010", negative=True)
def nothing_is_written_to_a_batch_that_is_not_taken_yet(bench: FilesBench) -> None:
    sent = bench.lay(Turn(late=bench.late))
    laid = sent.batch
    marked = _place(laid, laid.name + MARK, "created", "renamed")
    for name in (laid.name, laid.name + MANIFEST):
        still = _place(laid, name) <= marked or marked < 0
        sent.require(still, "放入完成标志后文件不再变动", "files as they were when the done mark was laid", _RENAME)


def _unfit_cases(_kit: Kit) -> Iterator[tuple[str, str]]:
    """Yield cases that names of files must not be made of as they are."""
    yield "parent_folders", "../../etc/passwd"
    yield "folders", "2026/01/22"
    yield "other_folders", "a\\b"
    yield "hidden", ".case"
    yield "line_break", "A\nB"
    yield "turned_text", "A\u202eB"
    yield "longer_than_200_bytes", "案" * 120
    yield "blank_at_the_end", "A "
    yield "tab", "A\tB"
    yield "control_character", "A\x07B"
    yield "nothing_but_dots", ".."
    yield "zero_width", "A\u200bB"


@case("FIL-002")
def names_of_files_are_names_and_no_paths(bench: FilesBench) -> None:
    for sent in bench.several:
        _require_name(sent)


@case("FIL-002", negative=True, over=_unfit_cases)
def a_case_of_any_form_makes_no_unfit_name(bench: FilesBench, unfit: str) -> None:
    sent = bench.lay(case=unfit)
    # Who refuses such a case lays nothing, which is as good.
    if sent.batches:
        _require_name(sent)


def _require_name(sent: Sent) -> None:
    for name in {sent.batch.name, *(step.name for step in sent.batch.steps if step.what == "renamed")}:
        fits = name.isprintable() and not any(unicodedata.category(each) == "Cf" or each in "/\\" for each in name)
        fits = (
            fits
            and name == name.strip()
            and not name.startswith(".")
            and len(name.encode(errors="replace")) <= _LONGEST
        )
        sent.require(
            fits,
            f"至多 {_LONGEST} 字节、无路径和控制字符的文件名",
            f"a name of at most {_LONGEST} printable bytes",
            _NAME,
        )


_NAME = Text("以日期和序号命名", "make names of the day and a number")


@case("FIL-002", negative=True)
def two_files_differ_in_more_than_case_or_form(bench: FilesBench) -> None:
    sent = bench.several[-1]
    names = {each.name for each in bench.all_batches}
    alike = {unicodedata.normalize("NFKC", name).casefold() for name in names}
    sent.require(
        len(alike) == len(names), "文件名不只是大小写或字形不同", "names that differ in more than case or form", _NAME
    )


@case("FIL-003", negative=True)
def neither_name_nor_number_tells_who_somebody_is(bench: FilesBench) -> None:
    for sent in bench.several:
        laid = sent.batch
        for text in (laid.name, laid.batch_no):
            bare = text.replace(str(sent.asked.get("case", "")), "")
            found = personal_in(bare)
            told = found or Text("", "")
            sent.require(not found, f"文件名和批次号中没有{told.zh}", f"name and number without {told.en}", _NAME)


@case("FIL-003", negative=True, needs={"lines"})
def no_name_holds_a_value_of_its_records(bench: FilesBench) -> None:
    for sent in bench.several:
        told = {value for message in bench.messages(sent.batch) for value in personal_values(message)}
        quoted = any(value in text for value in told for text in (sent.batch.name, sent.batch.batch_no))
        sent.require(
            not quoted, "文件名和批次号不含记录中的个人信息", "no personal value of a record in name or number", _NAME
        )


@case("FIL-004", negative=True)
def each_batch_has_a_number_of_its_own(bench: FilesBench) -> None:
    numbers = [sent.batch.batch_no for sent in bench.several]
    bench.several[-1].require(len(set(numbers)) == len(numbers), "不同的批次号", "different numbers of batches")


def _earlier(_kit: Kit) -> Iterator[tuple[str, Turn]]:
    yield "after_all_was_accepted", Turn()
    yield "after_a_late_result", Turn(late=0.1)
    yield "after_a_part_was_refused", Turn(refused=1)


@case("FIL-004", negative=True, over=_earlier)
def the_same_batch_again_is_the_same(bench: FilesBench, turn: Turn) -> None:
    first = bench.lay(turn)
    again = bench.lay(again=first.batch.batch_no)
    same = first.batch.batch_no == again.batch.batch_no and first.batch.digest == again.batch.digest
    again.require(
        same,
        "同一批次号和同一内容",
        "the same number and the same content",
        Text("保留已发批次的文件，原样重发", "keep what was sent, and send it as it was"),
    )


@case("FIL-005")
def batches_of_a_day_are_counted_without_a_gap(bench: FilesBench) -> None:
    bodies = [sent.batch.body for sent in bench.several]
    for earlier, later in pairwise(bodies):
        days = (earlier.get("businessDate"), later.get("businessDate"))
        counted = days[0] != days[1] or _number(later.get("sequence")) == _number(earlier.get("sequence")) + 1
        bench.several[-1].require(counted, "sequence 连续", "sequence without a gap")


@case("FIL-005")
def the_business_day_is_of_now(bench: FilesBench) -> None:
    today = datetime.now(_CHINA).date()
    for sent in bench.several:
        day = _day(sent.batch.body.get("businessDate"))
        near = day is not None and today - _OLDEST <= day <= today
        sent.require(near, "业务日不在将来，也不早于 15 天前", "a business day of the last 15 days")


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


@case("TRN-005", negative=True)
def a_batch_that_was_refused_is_not_sent_again_unchanged(bench: FilesBench) -> None:
    sent = bench.lay(Turn(error=ContentRefused), afterwards=_AFTERWARDS)
    _ = sent.batch
    contents = [each.digest for each in sent.batches]
    sent.require(
        len(set(contents)) == len(contents),
        "被拒的批次不再原样发送",
        "nothing laid again as it was refused",
        Text("由人更正后再发", "let a person mend it first"),
    )
