"""A bank's own XML over the rest front: it gets its own reply, and a clear reason in its own terms."""

import copy
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import orjson
import pytest
from lxml import etree
from starlette.testclient import TestClient

from tests.gateway.conftest import CORE, Site
from xinqiao.seal import access_token, new_key, write_key
from xinqiao_adapters.channel import load_channel
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

XML = "application/xml; charset=GB18030"
SAMPLE = load_channel("demo-bank", []).folders[-1] / "samples" / "kyc_apply.xml"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    key = new_key("bank-1")
    write_key(key.public(), tmp_path / "bank.pub.jwk")
    data = tmp_path / "data"
    add_channel(data, "demo-bank", extends="demo-bank", keys=[tmp_path / "bank.pub.jwk"])
    add_channel(data, "core", extends="canonical", keys=[tmp_path / "bank.pub.jwk"], institution=CORE)
    with TestClient(build_app(Gateway(open_installation(data)))) as http:
        yield Site(data, key, http)


def kyc(**changes: str) -> bytes:
    """Return the sample with other texts at ``Head/…`` or ``Body/…`` (two underscores for a slash)."""
    root = copy.deepcopy(etree.fromstring(SAMPLE.read_bytes()))
    for path, text in changes.items():
        element = root.find(path.replace("__", "/"))
        assert element is not None
        element.text = text
    text = etree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="GB18030"?>\n{text}'.encode("gb18030")


def reply(response: httpx.Response) -> tuple[int, str | None, str | None]:
    """Return the HTTP status, the bank's return code and the serial that it echoes."""
    root = etree.fromstring(response.content)
    assert root.tag == "Rsp"
    assert response.headers["Content-Type"].startswith("application/xml")
    return response.status_code, root.findtext("Head/RetCode"), root.findtext("Head/SeqNo")


def places(response: httpx.Response) -> list[str]:
    """Return the places of the errors in a reply, sorted."""
    return sorted(error.findtext("Path") or "" for error in etree.fromstring(response.content).iter("Err"))


def test_a_document_is_accepted_with_the_banks_own_code_and_reaches_the_core_as_canonical_json(site: Site) -> None:
    assert reply(site.post("demo-bank", kyc(), XML)) == (202, "0000", "20260115000001")
    path = "/v1/channels/core/messages"
    headers = {"Authorization": f"Bearer {access_token(site.key, path)}"}
    (waiting,) = orjson.loads(site.http.get(path, headers=headers).content)["messages"]
    assert waiting["contentType"] == "application/json"
    case = site.admin("/v1/cases/CASE-2026-0001")
    assert [each["message_type"] for each in case["messages"]] == ["kycApplication"]


def test_the_banks_own_key_tells_a_repeat_from_a_conflict(site: Site) -> None:
    site.post("demo-bank", kyc(), XML)
    assert reply(site.post("demo-bank", kyc(Head__TellerNo="T9999"), XML))[:2] == (200, "0000")
    assert reply(site.post("demo-bank", kyc(Body__Purpose="其他"), XML))[:2] == (409, "3002")
    assert len(site.admin("/v1/cases/CASE-2026-0001")["messages"]) == 1


def test_findings_come_in_the_banks_own_terms_all_at_once_and_masked(site: Site) -> None:
    number = "110101198001010070"
    response = site.post("demo-bank", kyc(Body__CertNo=number, Body__CertBegDate="20360101"), XML)
    assert reply(response)[:2] == (422, "2002")
    assert places(response) == ["Body/CertEndDate, line 22", "Body/CertNo, line 18"]
    assert number.encode() not in response.content


def test_a_value_that_does_not_convert_hides_no_violation_elsewhere(site: Site) -> None:
    wrong = kyc(Body__Sex="7", Body__CertNo="110101198001010070", Body__RiskDate="20280101")
    response = site.post("demo-bank", wrong, XML)
    assert reply(response)[:2] == (422, "2001")
    assert [place.split(",")[0] for place in places(response)] == ["Body/CertNo", "Body/RiskEndDate", "Body/Sex"]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "1001"),
        (b"<KycReq>", 400, "1001"),
        (b'<!DOCTYPE KycReq [<!ENTITY a "b">]><KycReq>&a;</KycReq>', 400, "1002"),
        (b'<?xml version="1.0"?><!DOCTYPE KycReq SYSTEM "file:///etc/passwd"><KycReq/>', 400, "1002"),
        (b'<?xml version="1.0" encoding="GB18030"?><KycReq>\xff\xff</KycReq>', 400, "1003"),
        (b"<NoSuchDocument/>", 422, "1006"),
        (b"<KycReq/>", 422, "2001"),
    ],
)
def test_input_that_is_no_document_of_the_bank_is_refused_with_its_code(
    site: Site, content: bytes, status: int, code: str
) -> None:
    assert reply(site.post("demo-bank", content, XML))[:2] == (status, code)


def test_a_bad_seal_is_refused_in_the_banks_own_format(site: Site) -> None:
    assert reply(site.post("demo-bank", kyc(), XML, signature=""))[:2] == (401, "4001")
    assert reply(site.post("demo-bank", kyc(), XML, key=new_key("bank-1")))[:2] == (401, "4002")


def test_a_content_type_that_the_channel_does_not_take_is_refused(site: Site) -> None:
    assert reply(site.post("demo-bank", kyc(), "application/json"))[:2] == (415, "1005")
