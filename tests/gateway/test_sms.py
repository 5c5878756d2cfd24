"""Who sends codes to mobiles: nobody, the simulator, or what an installed package offers."""

import importlib.metadata
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.gateway.h5.contracts import opened_contracts
from xinqiao.errors import DestinationDown, SettingsInvalid
from xinqiao_gateway import sms
from xinqiao_gateway.sms import CodeMessage, SimulatedSms, sms_sender

OFFERED: list[CodeMessage] = []


class Provider:
    """A provider that takes codes, but for one mobile."""

    def send(self, message: CodeMessage) -> None:
        if message.mobile.endswith("9"):
            raise DestinationDown("not now")
        OFFERED.append(message)


class Nothing:
    """What sends nothing."""


@pytest.fixture
def offers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    entries = [
        importlib.metadata.EntryPoint("provider", f"{__name__}:Provider", "xinqiao.sms"),
        importlib.metadata.EntryPoint("nothing", f"{__name__}:Nothing", "xinqiao.sms"),
        *[importlib.metadata.EntryPoint("twice", f"{__name__}:Provider", "xinqiao.sms")] * 2,
    ]
    monkeypatch.setattr(sms, "entry_points", lambda group: [each for each in entries if each.group == group])
    OFFERED.clear()
    sms_sender.cache_clear()
    yield
    sms_sender.cache_clear()


def test_a_package_offers_a_sender_by_name(offers: None) -> None:
    assert isinstance(sms_sender("provider"), Provider)
    assert sms_sender("none") is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("absent", "0 packages offer 'absent' as xinqiao.sms; offered: nothing, provider, twice"),
        ("twice", "2 packages offer 'twice'"),
        ("nothing", "what 'nothing' offers has no send"),
    ],
)
def test_a_sender_that_is_none_is_said_at_the_start(offers: None, name: str, said: str) -> None:
    with pytest.raises(SettingsInvalid, match=said):
        sms_sender(name)


def test_the_simulator_keeps_the_last_code_of_each_mobile_for_a_while() -> None:
    simulator = SimulatedSms()
    for number in range(1001):
        simulator.send(CodeMessage(str(number), f"{number:06d}", 300, "zh", "bank"))
    assert (simulator.last("0"), simulator.last("1000")) == ("", "001000")


def test_a_code_is_not_shown_where_a_message_is(capsys: pytest.CaptureFixture[str]) -> None:
    print(CodeMessage("13800138000", "123456", 300, "zh", "bank"))
    assert "123456" not in capsys.readouterr().out


def test_a_provider_gets_the_code_and_the_page_does_not_show_it(offers: None, tmp_path: Path) -> None:
    with ExitStack() as running:
        case = opened_contracts(tmp_path, running, sms="provider").begin()
        case.mobile = "13800000001"
        browser = case.read(case.sent().open()).press("send-code")
        (sent,) = OFFERED
        assert (sent.mobile, sent.seconds, sent.channel) == ("13800000001", 300, "sandbox")
        assert sent.code not in browser.text
        browser.type({"typed": "王小明", "code": sent.code, "declared": "yes"}).press()
        assert len(case.evidence()) == 2
        failing = case.begin()
        failing.mobile = "13800000009"
        browser = failing.read(failing.sent().open()).press("send-code")
        assert browser.problem_beside("code") == "验证码发送失败，请稍后重试"


def test_where_nobody_sends_codes_nothing_is_signed_by_one(tmp_path: Path) -> None:
    with ExitStack() as running:
        case = opened_contracts(tmp_path, running, sms="none").begin()
        browser = case.read(case.sent().open())
        assert "暂不能发送验证码" in browser.text
        assert browser.type({"typed": "王小明", "declared": "yes"}).press().problems == ["请输入验证码"]


def test_the_simulator_refuses_production(tmp_path: Path) -> None:
    with ExitStack() as running:
        case = opened_contracts(tmp_path, running).begin()
        case.test = False
        browser = case.read(case.sent().open(channel="partner"))
        assert "暂不能发送验证码" in browser.text
        browser.post(browser.path, [("version", str(browser.value("version"))), ("do", "send-code")])
        assert browser.problems == ["暂不能发送验证码，请联系所在机构"]
