"""``xinqiao explain``: a name of any sort leads to what the dictionary says of it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from xinqiao.cli import main
from xinqiao.explanation import code_lists, explain, part_rules, parts, reference, value_rules
from xinqiao.rules import metadata
from xinqiao.rules.table import Table, table_of
from xinqiao.standard import field_at, message_types

Capture = pytest.CaptureFixture[str]


def found(what: str) -> list[tuple[str, str]]:
    return [(entry.kind, entry.path) for entry in explain(what).entries]


def printed(capsys: Capture, *arguments: str) -> tuple[int, str]:
    code = main(["explain", *arguments])
    return code, capsys.readouterr().out


def printed_json(capsys: Capture, *arguments: str) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads(printed(capsys, *arguments, "--json")[1])
    return read


@pytest.mark.parametrize(
    "what",
    [
        "kycApplication.applicant.documents.number",
        "kycApplication.applicant.documents[0].number",
        "kyc.applicant.documents[].number",
        "Party.documents.number",
        "IdentityDocument.number",
        "证件号码",
        "Number of document",
        "CertNo",
        "certno",
        "身份证号",
    ],
)
def test_a_field_is_found_by_path_by_title_and_by_synonym(what: str) -> None:
    assert found(what)[0] == ("field", "IdentityDocument.number")


@pytest.mark.parametrize("what", ["KycApplication", "kycApplication", "客户尽职调查申请", "KYC application"])
def test_a_message_type_is_found_by_name_by_body_and_by_title(what: str) -> None:
    assert ("message", "KycApplication") in found(what)


@pytest.mark.parametrize(
    ("what", "entry"),
    [
        ("XQ-R-010", ("rule", "XQ-R-010")),
        ("xq-r-010", ("rule", "XQ-R-010")),
        ("Party", ("part", "Party")),
        ("RESIDENT_ID", ("value", "RESIDENT_ID")),
        ("110101", ("code", "gbt2260.110101")),
        ("gbt2260", ("list", "gbt2260")),
        ("reasons.INCOMPLETE", ("code", "reasons.INCOMPLETE")),
        ("header.messageId", ("field", "Header.messageId")),
    ],
)
def test_rules_parts_values_codes_and_header_fields_are_found(what: str, entry: tuple[str, str]) -> None:
    assert found(what) == [entry]


def test_the_full_entry_of_a_field_is_printed(capsys: Capture) -> None:
    code, text = printed(capsys, "kyc.applicant.documents.validUntil")
    field = field_at("kycApplication", "kycApplication.applicant.documents.validUntil")

    assert code == 0
    assert field is not None
    assert text.startswith(
        f"IdentityDocument.validUntil  {field.title.zh} / {field.title.en}\n"
        "    种类 kind: 字段 field\n"
        "    类型 type: DATE\n"
        "    形式 form: 日期 yyyy-MM-dd / a date yyyy-MM-dd\n"
        "    次数 cardinality: 0..1\n"
        f"    敏感级别 sensitivity: {field.sensitivity}\n"
        f"    示例 example: {field.example}\n"
    )
    assert all(f"        {name}  {source}\n" in text for name, source in field.synonyms.items())
    assert f"        XQ-R-001  ERROR  {' / '.join(metadata()['XQ-R-001'].text)}\n" in text
    assert "    路径 paths: kycApplication.applicant.documents.validUntil\n" in text


def test_a_part_that_many_message_types_hold_is_one_entry(capsys: Capture) -> None:
    (entry,) = printed_json(capsys, "Party.name")[0]["entries"]

    assert entry["path"] == "Party.name"
    assert entry["usedIn"] == list(parts()["Party"].used_in)
    assert len(entry["usedIn"]) == len(set(entry["usedIn"])) > 1


def test_a_name_of_several_things_prints_a_line_for_each(capsys: Capture) -> None:
    entries = explain("name").entries
    code, text = printed(capsys, "name")
    lines = text.splitlines()

    assert code == 0
    assert lines[0] == f"name: {len(entries)} 项 entries"
    assert re.fullmatch(
        r"    Party\.name  .* / .*  \S+\.name  用于 (\d+) 种消息 used in \1 message types",
        next(line for line in lines if line.startswith("    Party.name ")),
    )
    assert len({entry.path for entry in entries}) == len(entries) > 1


def test_a_long_list_is_cut_and_says_so(capsys: Capture) -> None:
    many = len(explain("市辖区").entries)

    lines = printed(capsys, "市辖区")[1].splitlines()
    assert (len(lines), lines[-1]) == (22, f"    另有 {many - 20} 项，见 --json / {many - 20} more, see --json")
    assert len(printed_json(capsys, "市辖区")[0]["entries"]) == many


@pytest.mark.parametrize(
    ("what", "near"),
    [
        ("CertNoo", "CertNo"),
        ("证件号码证", "证件号码"),
        ("XQR010", "XQ-R-010"),
        ("kycApplicatio", "kycApplication"),
        ("kycApplication.applicant.document.number", "kycApplication.applicant.documents"),
        ("Party.nam", "Party.name"),
    ],
)
def test_what_is_not_there_exits_1_and_names_the_nearest(capsys: Capture, what: str, near: str) -> None:
    code, text = printed(capsys, what)

    assert code == 1
    assert text.startswith(f"标准中没有 not in the standard: {what}\n    相近 nearest: ")
    assert near.casefold() in [each.casefold() for each in explain(what).nearest]


@pytest.mark.parametrize("what", ["", " ", ".", "..", "[0]", ".x", "x.", "咖啡订单咖啡订单", "a" * 10_000])
def test_a_name_like_nothing_exits_1(capsys: Capture, what: str) -> None:
    code, text = printed(capsys, what)

    assert (code, text.splitlines()[0]) == (1, f"标准中没有 not in the standard: {what}")


def test_several_names_are_explained_one_after_another(capsys: Capture) -> None:
    code, text = printed(capsys, "XQ-R-010", "RESIDENT_ID")
    assert (code, [each.split()[0] for each in text.split("\n\n")]) == (0, ["XQ-R-010", "RESIDENT_ID"])
    assert printed(capsys, "XQ-R-010", "CoffeeOrder")[0] == 1


def test_answers_are_printed_for_machines(capsys: Capture) -> None:
    assert printed_json(capsys, "MALE", "CertNoo") == [
        explain("MALE").as_json(),
        explain("CertNoo").as_json(),
    ]
    (value,) = explain("MALE").as_json()["entries"]
    assert {key: value[key] for key in ("kind", "path", "title")} == {
        "kind": "value",
        "path": "MALE",
        "title": {"zh": "男", "en": "Male"},
    }
    assert "Party.gender" in value["valueOf"]


def test_of_a_few_things_of_one_name_the_first_is_printed_in_full(capsys: Capture) -> None:
    code, text = printed(capsys, "证件号码")

    assert code == 0
    assert text.startswith("IdentityDocument.number  证件号码 / Number of document\n    种类 kind: 字段 field\n")
    assert len(explain("证件号码").entries) <= 5


@pytest.mark.parametrize("body", message_types())
def test_the_rules_told_of_a_field_are_those_that_run_on_it(body: str) -> None:
    kind = message_types()[body]
    table = dict(table_of(kind.name).parts).get(body, Table())
    fields = parts()[kind.name].schema["properties"].items()

    told = {(name, rule.id) for name, field in fields if not reference(field) for rule in value_rules(field)}
    assert told == {(name, about.id) for name, _, about in (*table.values, *table.items)}
    assert [each.about for each in part_rules(parts()[kind.name])] == [rule.about for rule in table.rules]


@pytest.mark.parametrize("what", ["KycApplication", "Party", "Party.name", "PASSPORT", "XQ-R-010", "reasons", "110103"])
def test_every_fact_is_labelled_in_both_languages(capsys: Capture, what: str) -> None:
    _, *facts = printed(capsys, what)[1].splitlines()
    labels = [line.strip() for line in facts if not line.startswith("        ")]
    assert [label for label in labels if not re.match(r"[\u4e00-\u9fff]+ [a-z ]+:", label)] == []


def names() -> list[str]:
    """Return every name that leads to one thing: paths of fields, message types, parts and rules."""
    fields = [f"{part.name}.{field}" for part in parts().values() for field in part.schema["properties"]]
    return [*fields, *(kind.name for kind in message_types().values()), *parts(), *metadata()]


def test_every_name_of_the_standard_leads_to_its_own_entry() -> None:
    assert [name for name in names() if [entry.path for entry in explain(name).entries] != [name]] == []


def test_every_path_of_an_entry_is_a_path_of_the_standard() -> None:
    bodies = message_types()
    for part in parts().values():
        body = part.path.partition(".")[0]
        if body in bodies:
            assert all(field_at(body, f"{part.path}.{field}") for field in part.schema["properties"]), part.path


@pytest.mark.parametrize("name", list(code_lists()))
def test_every_code_list_has_a_title_a_source_and_codes(name: str) -> None:
    (entry,) = explain(name).entries
    assert all(entry.title)
    assert entry.facts["source"]
    assert entry.facts["provenance"]
    assert entry.facts["count"] == len(code_lists()[name]["codes"]) > 0


def opened(what: str) -> list[str]:
    """Return the files of the standard that a fresh process opens to explain a name."""
    code = f"""
import sys
from xinqiao.explanation import explain
sys.addaudithook(lambda event, given: event == "open" and str(given[0]).endswith(".json") and print(given[0]))
explain({what!r})
assert not [name for name in sys.modules if name.startswith(("xinqiao.v1", "protobuf"))]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return [Path(line).name for line in done.stdout.splitlines()]


def test_a_message_type_is_explained_from_its_own_schema_without_typed_messages() -> None:
    assert opened("kycDecision") == ["index.json", "KycDecision.schema.json"]


def test_a_rule_is_explained_without_any_schema() -> None:
    assert [name for name in opened("XQ-R-010") if "schema" in name or name == "index.json"] == []


def test_the_command_explains_itself_in_both_languages(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["explain", "--help"])

    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert "打印数据字典的条目 / print what the dictionary says of a name" in said
    assert "退出码 exit codes: 0 已找到 found, 1 标准中没有 not in the standard" in said
