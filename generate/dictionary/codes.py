"""The page of code lists."""

from collections.abc import Mapping
from typing import Any

from generate.dictionary.markdown import GENERATED, escape, heading
from generate.dictionary.place import page_of
from xinqiao.explanation import code_lists, fields_of_codes

_MOST_CODES = 100


def codes_page() -> list[str]:
    """Return the lines of ``codes.md``."""
    lines = ["# 代码表 / Code lists", "", GENERATED, "", "[数据字典 / Data dictionary](README.md)"]
    for name, about in code_lists().items():
        lines += _code_list(name, about)
    return lines


def _code_list(name: str, about: Mapping[str, Any]) -> list[str]:
    codes = about["codes"]
    fields = [f"[{part.name}.{field}]({page_of(part)}#{part.name}.{field})" for part, field in fields_of_codes(name)]
    title = dict.fromkeys(about["title"].values())
    lines = [
        *heading(name, " / ".join(title)),
        f"* 文件 file: [{name}.json](../../schemas/codes/{name}.json)，{len(codes)} 个代码 codes",
        f"* 来源 source: {about['source']}",
        f"* 取得方式 provenance: {about['provenance']}",
        *([f"* 使用字段 fields: {', '.join(fields)}"] if fields else []),
    ]
    if len(codes) > _MOST_CODES:
        return lines
    rows = [
        f"| `{code}` | {escape(said.get('zh', ''))} | {escape(said.get('en', ''))} |" for code, said in codes.items()
    ]
    return [*lines, "", "| 代码 code | 中文 | English |", "|---|---|---|", *rows]
