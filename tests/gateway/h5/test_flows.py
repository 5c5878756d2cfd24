"""Flows and channels as data: what is wrong with a file is said where it is read."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.gateway.h5.browser import Browser
from tests.gateway.h5.conftest import BANK, PAGES, TRUST, Pages
from xinqiao.cli import main
from xinqiao.errors import ProfileInvalid, SettingsInvalid
from xinqiao.launch import launch_token
from xinqiao.message import Json
from xinqiao.seal import new_key, write_key
from xinqiao_adapters.docking import H5
from xinqiao_adapters.loader import load_profile
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.fronts.h5.fitness import pages_problem
from xinqiao_gateway.fronts.h5.flows import flow_names, flow_of, read_flow
from xinqiao_gateway.fronts.h5.steps.risk import Questionnaire, questionnaire
from xinqiao_gateway.installation import add_channel, open_installation

DOCS = Path(__file__).parents[3] / "docs"
FLOW = """
flow: test
title: {zh: 测试, en: Test}
body: kycApplication
entered_by: [CUSTOMER]
steps:
  - {step: one, kind: form, title: {zh: 一, en: One}, groups: [{fields: [applicationNo]}]}
"""


def test_every_shipped_flow_can_be_read() -> None:
    assert {"kyc-institution", "kyc-person"} <= set(flow_names())
    for name in flow_names():
        flow = flow_of(name)
        assert flow is not None
        assert flow.confirmed_by <= flow.entered_by


@pytest.mark.parametrize("page", ["h5.md", "h5.zh-CN.md"])
def test_the_flow_in_the_documentation_can_be_read(page: str) -> None:
    (found,) = re.findall(r"```yaml\n(flow:.*?)```", (DOCS / page).read_text(), re.DOTALL)
    flow = read_flow(found.encode(), "kyc-person")
    assert [each.spec.step for each in flow.steps] == ["identity", "exposure", "risk", "confirm"]


@pytest.mark.parametrize(
    ("found", "wrong", "said"),
    [
        ("applicationNo", "applicationNumber", "step one: kycApplication.applicationNumber is no field"),
        ("applicationNo", "applicant", "step one: kycApplication.applicant is a part with fields of its own"),
        ("applicationNo", "applicant.formerNames", "step one: kycApplication.applicant.formerNames takes a list"),
        ("applicationNo", "{field: applicant.gender, values: [NONE]}", "does not take NONE"),
        ("fields: [applicationNo]", "each: applicant, fields: [name]", "applicant is no repeated part"),
        ("kind: form", "kind: nothing", "kind is one of confirm, "),
        ("kind: form", "kind: form, colour: red", "colour"),
        ("groups: [{fields: [applicationNo]}]", "groups: []", "groups"),
        ("kycApplication", "kycNothing", "body: kycNothing"),
        ("body: kycApplication\n", "", "step one: a form fills in a message"),
        ("flow: test", "flow: other", "says flow: other"),
        ("CUSTOMER", "ANYBODY", "entered_by"),
        ("flow: test", "flow: [", "flow test: "),
    ],
)
def test_a_flow_that_is_wrong_is_refused_with_its_place(found: str, wrong: str, said: str) -> None:
    assert found in FLOW
    with pytest.raises(SettingsInvalid, match=re.escape(said)):
        read_flow(FLOW.replace(found, wrong).encode(), "test")


def test_two_steps_of_one_name_are_refused() -> None:
    last = FLOW.splitlines()[-1]
    with pytest.raises(SettingsInvalid, match="two steps have one name"):
        read_flow(f"{FLOW}{last}\n".encode(), "test")


def test_levels_that_do_not_rise_are_refused() -> None:
    shipped = questionnaire("person").model_dump()
    with pytest.raises(ValueError, match="in rising order"):
        Questionnaire.model_validate(shipped | {"levels": {"C1": 0, "C2": 50, "C3": 40, "C4": 60, "C5": 80}})
    with pytest.raises(ValueError, match="no questionnaire nothing"):
        questionnaire("nothing")


@pytest.mark.parametrize(
    "wrong",
    [
        {"flows": []},
        {"flows": ["KYC"]},
        {"frame_ancestors": ["*"]},
        {"frame_ancestors": ["http://shop.example.com"]},
        {"frame_ancestors": ["https://shop.example.com/"]},
        {"idle": 1},
        {"cookies": True},
    ],
)
def test_a_section_that_is_wrong_is_refused(tmp_path: Path, wrong: Json) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    profile = {"channel": "mine", "extends": "canonical", "h5": PAGES | wrong}
    (folder / "channel.yaml").write_text(yaml.safe_dump(profile))
    with pytest.raises(ProfileInvalid, match="h5"):
        load_profile("mine", [tmp_path])


def with_pages(channel: ServedChannel, **changed: list[str]) -> ServedChannel:
    profile = channel.channel.profile.model_copy(update={"h5": H5.model_validate(PAGES | changed)})
    return replace(channel, channel=replace(channel.channel, profile=profile))


def test_a_channel_that_cannot_have_pages_is_told_why(tmp_path: Path) -> None:
    public, data = tmp_path / "partner.pub.jwk", tmp_path / "data"
    write_key(new_key("partner-1").public(), public)
    for name, extends in (("canonical", "canonical"), ("xml", "demo-bank")):
        about = {"name": name, "type": "bank", "code": TRUST if name == "xml" else BANK}
        add_channel(data, name, extends=extends, keys=[public], institution=about)
    channels = {each.channel_id: each for each in open_installation(data).channels}
    canonical, xml = channels["canonical"], channels["xml"]
    assert [pages_problem(each) for each in (canonical, xml, with_pages(canonical))] == [None, None, None]
    unknown = pages_problem(with_pages(canonical, flows=["kyc-nobody"]))
    assert unknown == (("h5", "flows", 0), f"kyc-nobody is no flow; there are: {', '.join(flow_names())}")
    assert "pages make canonical messages" in str(pages_problem(with_pages(xml)))


def test_the_command_prints_an_address_that_opens_the_page(
    pages: Pages, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_key(pages.key, tmp_path / "key.jwk")
    (tmp_path / "facts.json").write_text('{"kycApplication.branch": "示例支行"}')
    options = [
        "launch", "--flow", "kyc-person", "--case", pages.case_id, "--channel", "partner", "--gateway", TRUST,
        "--key", str(tmp_path / "key.jwk"), "--url", "http://testserver", "--facts", str(tmp_path / "facts.json"),
    ]  # fmt: skip
    monkeypatch.setattr("xinqiao.launch_cli.launch_token", _at(pages))
    assert main(options) == 0
    assert Browser(pages.http).launch(capsys.readouterr().out.strip()).step == "identity"
    (tmp_path / "facts.json").write_text("[]")
    assert main(options) == 2
    assert main([*options, "--case", "CASE 1"]) == 2


def _at(pages: Pages) -> Callable[..., str]:
    """Return what signs launches at the time of the gateway."""
    return partial(launch_token, at=datetime.fromtimestamp(pages.clock.now, UTC))
