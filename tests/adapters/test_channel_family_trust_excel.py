"""The template of family trusts: it is made from the channel that reads it."""

from pathlib import Path

import orjson
import pytest

from xinqiao.errors import ContentRefused
from xinqiao.message import Json
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.formats.table.template import write_template
from xinqiao_adapters.formats.table.workbook import Workbook
from xinqiao_adapters.loader import load_profile


@pytest.fixture(scope="module")
def channel() -> Channel:
    return load_channel("family-trust-excel", [])


@pytest.fixture
def message(channel: Channel) -> Json:
    read: Json = orjson.loads((channel.folders[0] / "cases" / "own.json").read_bytes())
    return read


def test_the_template_has_the_header_and_the_labels_that_the_samples_have(channel: Channel, tmp_path: Path) -> None:
    path = tmp_path / "template.xlsx"
    write_template(load_profile("family-trust-excel", []), "kyc_apply", path)
    with path.open("rb") as made, (channel.folders[0] / "samples" / "kyc_apply-filled.xlsx").open("rb") as filled:
        template, sample = ([list(row.cells) for row in Workbook(each).rows("填写 Fill in")] for each in (made, filled))
    header = next(row for row in sample if "申请编号 *" in row)
    assert template[-1] == header
    assert {row[0].rstrip(" *") for row in template} >= {"填报机构", "填报日期", "客户经理"}


def test_rows_of_one_sheet_share_what_stands_above_them(channel: Channel, message: Json) -> None:
    other = {**message, "header": {**message["header"], "businessDate": "2026-02-16"}}
    with pytest.raises(ContentRefused) as caught:
        channel.compiled["kyc_apply"].encode(message, other)
    assert [(each.rule, each.partner_path) for each in caught.value.findings] == [("mapping.share", "File/填报日期")]
