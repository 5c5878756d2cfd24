"""What rows, formats and security say, in words. What has no words here is shown by its name and value."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

from pydantic import BaseModel

from xinqiao.expectation import expectation_of
from xinqiao.finding import Text
from xinqiao.standard import field_at
from xinqiao_adapters.listing import ListedRow
from xinqiao_adapters.mapping.converters import TEXT
from xinqiao_adapters.mapping.plan import Condition, Leaf, Repeat, Source, Total
from xinqiao_adapters.mapping.shapes import shape_at
from xinqiao_adapters.profile import Security

__all__ = ["Fact", "facts_of", "notes_of", "security_words", "settings_of", "type_words"]

# A name and what is said under it.
Fact = tuple[Text, Text]

_DIRECTIONS = {
    "in": Text("仅用于贵方发来的报文", "only in what you send"),
    "out": Text("仅用于我方发出的报文", "only in what we send"),
}
_SIGNS = {"POSITIVE": Text("大于零", "above zero"), "NOT_NEGATIVE": Text("不小于零", "not below zero")}
# Parts of a row that stand elsewhere on the page: paths, type, example, sensitivity.
_SHOWN = {
    "target",
    "source",
    "converter",
    "sensitivity",
    "mark",
    "constant",
    "rows",
    "scalar",
    "single",
    "share",
    "more",
}

# Parts of a profile's row that the plan and its converters tell, or that have words of their own.
_PLACES = {"from", "at", "each", "use", "map", "where", "when", "join", "lengths", "split", "piece", "pieces"}
_TEXTS = {"nothing", "only", "halfwidth", "pad", "length", "codes", "constant", "default", "oneway", "count", "sum"}
_TIMES = {"date", "datetime", "time", "zone", "fraction"}
_NUMBERS = {"amount", "percent", "decimal", "implied", "grouping", "sign", "integer", "boolean"}
_TOLD = frozenset(_PLACES | _TEXTS | _TIMES | _NUMBERS | {"proposed"})


def type_words(body: str, row: ListedRow) -> Text:
    """Return what a value looks like: what its converter expects, and for a text what the standard allows."""
    leaf = row.item
    if leaf is None:
        return Text("", "")
    expects, holds = leaf.converter.expects, leaf.converter.holds
    shape = shape_at(body, row.names) if row.names else None
    if shape is None or leaf.converter.table:
        return expects
    field = field_at(body, ".".join(row.names))
    if shape.kind != "decimal":
        if not expects.zh.startswith(TEXT.expects.zh) or field is None:
            return expects
        allowed = expectation_of(field.schema, item=True)
        return Text(
            allowed.zh + expects.zh.removeprefix(TEXT.expects.zh), allowed.en + expects.en.removeprefix(TEXT.expects.en)
        )
    sign = _SIGNS.get(field.schema["x-xinqiao"].get("sign", "")) if field else None
    told = [expects, *([holds] if expects.zh == "十进制数" else []), *([sign] if sign else [])]
    return Text("，".join(each.zh for each in told), ", ".join(each.en for each in told))


def notes_of(body: str, row: ListedRow) -> list[Text]:
    """Return what else a row says: conditions, joined places, defaults. A part without words of its own is named."""
    parts = [row.row] if row.row is row.item or row.item is None else [row.row, row.item]
    return [*(note for part in parts for note in _part_notes(body, part, row)), *_said_notes(row)]


def _said_notes(row: ListedRow) -> Iterator[Text]:
    """Yield what the profile's row says that neither its plan nor what its converter expects tells."""
    said = row.said.model_dump(by_alias=True, exclude_defaults=True) if row.said is not None else {}
    if "nothing" in said:
        texts = said["nothing"]["read"]
        yield Text(f"{'、'.join(texts)} 表示无值", f"{' or '.join(texts)} says that there is no value")
    if "halfwidth" in said:
        yield Text("全角字符按半角读取", "full-width characters are read as half-width ones")
    for name in said.keys() - _TOLD:
        yield Text(f"{name}：{said[name]}", f"{name}: {said[name]}")


def _part_notes(body: str, part: Leaf | Repeat, row: ListedRow) -> Iterator[Text]:
    for each in fields(part):
        value = getattr(part, each.name)
        if each.name in _SHOWN or (each.default is not MISSING and value == each.default):
            continue
        words = _WORDS.get(each.name)
        yield words(body, value, row) if words else Text(f"{each.name}：{value}", f"{each.name}: {value}")


def _join(_: str, join: Any, row: ListedRow) -> Text:  # noqa: ANN401 -- a part of a row
    base = (row.place or ())[: -len(row.row.source or ()) or None]
    places = [_shown((*base, *place)) for place in (row.item.sources if row.item else ())]
    if join.minus is not None:
        return Text(
            f"{places[0]} 表示正负：{join.minus} 为负，{join.plus or '空'} 为正",
            f"{places[0]} says the sign: {join.minus} is minus, {join.plus or 'nothing'} is plus",
        )
    zh = f"，长度依次为 {'、'.join(map(str, join.lengths))}" if join.lengths else f"，以“{join.by}”连接" * bool(join.by)
    en = (
        f", of lengths {', '.join(map(str, join.lengths))}"
        if join.lengths
        else f", joined by '{join.by}'" * bool(join.by)
    )
    return Text(f"{' + '.join(places)} 合为一个值{zh}", f"{' + '.join(places)} are one value{en}")


def _shown(place: Source) -> str:
    return "/".join(place)


def _conditions(body: str, conditions: tuple[Condition, ...], row: ListedRow) -> Text:
    told = []
    for each in conditions:
        base = row.names[: -len(row.row.target)] if row.row.target else row.names
        names = (*base, *(name for name, _ in each.path))
        field = field_at(body, ".".join(names)) or field_at(body, ".".join((body, *names)))
        title = field.title if field else Text(".".join(names), ".".join(names))
        values = field.schema.get("items", field.schema).get("x-values", {}) if field else {}
        named = [values.get(str(value), {"zh": str(value), "en": str(value)}) for value in each.values]
        told.append(
            Text(
                f"{title.zh}为{'或'.join(value['zh'] for value in named)}",
                f"{title.en} is {' or '.join(value['en'] for value in named)}",
            )
        )
    return Text(f"仅当{'且'.join(each.zh for each in told)}", f"only where {' and '.join(each.en for each in told)}")


def _total(body: str, total: Total, _: ListedRow) -> Text:
    field = field_at(body, ".".join(total.path)) or field_at(body, ".".join((body, *total.path)))
    title = field.title if field else Text(".".join(total.path), ".".join(total.path))
    if total.kind == "count":
        return Text(f"{title.zh}的个数", f"the number of: {title.en}")
    return Text(f"{title.zh}的合计", f"the sum of: {title.en}")


_WORDS: Mapping[str, Callable[[str, Any, ListedRow], Text]] = {
    "oneway": lambda body, value, row: _DIRECTIONS[value],  # noqa: ARG005 -- one shape for all
    "default": lambda body, value, row: Text(f"未提供时视为 {value}", f"{value} where nothing is said"),  # noqa: ARG005
    "filler": lambda body, value, row: Text(f"无值时填写 {value!r}", f"{value!r} where there is no value"),  # noqa: ARG005
    "where": lambda body, value, row: Text(  # noqa: ARG005
        f"仅取 {'、'.join(f'{_shown(place)} 为 {text}' for place, text in value)} 的节点",
        f"the nodes whose {', '.join(f'{_shown(place)} is {text}' for place, text in value)}",
    ),
    "conditions": _conditions,
    "join": _join,
    "total": _total,
}


# --- formats and other settings --------------------------------------------------------------------------------

_KINDS = {
    "xml": Text("XML 报文", "XML documents"),
    "json": Text("JSON 报文", "JSON documents"),
    "form": Text("表单（application/x-www-form-urlencoded）", "forms (application/x-www-form-urlencoded)"),
    "labels": Text("带标签的文本（如邮件正文）", "texts with labels, such as the body of a mail"),
    "fixed": Text("定长文本文件", "files of lines of fixed width"),
    "csv": Text("分隔符文本文件（CSV）", "delimited text files (CSV)"),
    "excel": Text("Excel 工作簿", "Excel workbooks"),
    "ofd": Text("开放式基金数据交换文件（JR/T 0017）", "data files of JR/T 0017 (OFD)"),
    "canonical": Text("信桥标准的规范 JSON", "canonical JSON of the Xinqiao standard"),
}
_NAMES = {
    "kind": Text("格式", "Format"),
    "root": Text("根元素", "Root"),
    "encoding": Text("字符编码", "Encoding"),
    "namespaces": Text("命名空间", "Namespaces"),
    "xsd": Text("XSD", "XSD"),
    "trim": Text("去除首尾空白", "Blanks around texts are taken away"),
    "siblings": Text("多个元素并列，无外层元素", "Elements stand side by side without one around them"),
    "lines": Text("每行一条记录", "One record a line"),
    "totals.count": Text("记录总数位于", "Number of records stands at"),
    "totals.sums": Text("合计校验", "Sums stand at"),
    "ends": Text("行结束符", "Line ends"),
    "line": Text("行结束符", "Line ends"),
    "delimiter": Text("分隔符", "Delimiter"),
    "quote": Text("引号", "Quote"),
    "header": Text("首行为列名", "The first line names the columns"),
    "sheet": Text("工作表", "Sheet"),
    "file": Text("文件类型", "File type"),
    "version": Text("协议版本", "Version"),
    "fields": Text("字段顺序", "Fields, in order"),
    "algorithms": Text("签名算法", "Algorithms"),
    "scheme": Text("签名方式", "Scheme"),
}
_SCHEMES = {
    "xinqiao-jws": Text(
        "对实际发送的字节计算分离式 JWS 签名（RFC 7515、RFC 7797），置于 HTTP 头 Xinqiao-Signature；双方事先交换公钥",
        "a detached JWS (RFC 7515, RFC 7797) over the bytes as sent, in the HTTP header Xinqiao-Signature; "
        "public keys are exchanged beforehand",
    )
}


def facts_of(settings: Mapping[str, Any], prefix: str = "") -> Iterator[Fact]:
    """Yield settings as names and texts; groups in groups get names such as ``totals.count``."""
    for name, value in settings.items():
        key = f"{prefix}{name}"
        title = _NAMES.get(key, Text(key, key))
        if isinstance(value, dict) and key not in _NAMES:
            yield from facts_of(value, f"{key}.")
        elif value not in (None, "", [], {}):
            yield title, _value_words(name, value)


def _value_words(name: str, value: object) -> Text:
    if isinstance(value, bool):
        return Text("是", "yes") if value else Text("否", "no")
    if name == "kind" and str(value) in _KINDS:
        return _KINDS[str(value)]
    if name == "scheme" and str(value) in _SCHEMES:
        return _SCHEMES[str(value)]
    if isinstance(value, dict):
        text = "; ".join(f"{key} = {part}" for key, part in value.items())
    elif isinstance(value, list):
        text = ", ".join(map(str, value))
    else:
        text = str(value)
    return Text(text, text)


def settings_of(spec: BaseModel, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return what a part of a profile says, without what it leaves at its default; the encoding always."""
    always = {name: getattr(spec, name) for name in ("kind", "encoding") if hasattr(spec, name)}
    said = spec.model_dump(by_alias=True, exclude_defaults=True)
    return {name: value for name, value in (always | said).items() if name not in without}


def security_words(security: Security) -> list[Fact]:
    """Return how messages are sealed, in words."""
    return list(facts_of(security.model_dump(by_alias=True, exclude_none=True)))
