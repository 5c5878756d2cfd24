"""Reading and signing a contract on the pages, from what the trust company sent to the evidence in the journal."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import orjson
import pytest

from tests.gateway.conftest import BANK, TRUST
from tests.gateway.h5.contracts import Contracts, digest_of, drawing, opened_contracts, strokes
from xinqiao.errors import JournalUnavailable, PolicyForbids
from xinqiao.message import Json
from xinqiao.testing import example
from xinqiao.validation import check
from xinqiao_gateway.documents import DocumentDigest
from xinqiao_gateway.fronts.h5.form_data import FormData
from xinqiao_gateway.fronts.h5.signing.mark import Mark, read_mark
from xinqiao_gateway.intake import Intake
from xinqiao_gateway.journal.visits import visits_of


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contracts]:
    with ExitStack() as running:
        yield opened_contracts(tmp_path_factory.mktemp("signing"), running)


@pytest.fixture
def case(contracts: Contracts) -> Contracts:
    """A case of the test's own, of which nothing was sent yet, on 15 January 2027, 16:00 in China."""
    contracts.pages.clock.now = 1_800_000_000.0
    return contracts.begin()


def trail_of(case: Contracts) -> list[Json]:
    with case.pages.gateway.journal.reading.engine.begin() as connection:
        trail: list[Json] = visits_of(connection, case.case_id)[0]["trail"]
    return trail


def test_a_customer_reads_and_signs_and_each_paper_has_its_evidence(case: Contracts) -> None:
    request = case.sent().request()
    browser = case.open(facts={"signatureEvidence.place": "北京市"})
    assert browser.step == "read"
    case.read(browser)
    assert browser.step == "sign", browser.problems
    case.sign(browser)
    assert "已受理" in browser.text, browser.text
    found = case.evidence()
    assert [check(each) for each in found] == [[], []]
    bodies = [each["signatureEvidence"] for each in found]
    reference = bodies[0]["evidenceReference"]
    assert bodies == [
        {
            "contractNo": case.case_id,
            "partyId": "P1",
            "signerName": "王小明",
            "method": "HANDWRITTEN_ON_SCREEN",
            "signedAt": bodies[0]["signedAt"],
            "documentDigest": digest_of(case.papers[name]),
            "place": "北京市",
            "evidenceReference": reference,
            "requestNo": request["requestNo"],
            "documentId": name,
            "verification": "CODE_CHECK",
            "terminal": "H5 键入姓名 typed name",
        }
        for name in case.papers
    ]
    headers = [each["header"] for each in found]
    asked = next(each["message"] for each in case.pages.messages() if "signatureRequest" in each["message"])
    assert {each["correlationId"] for each in headers} == {asked["header"]["messageId"]}
    assert [(each["sender"], each["receiver"], each["test"]) for each in headers] == [(BANK, TRUST, True)] * 2
    shown = browser.document.xpath("//dd/text()")
    assert all(each["messageId"] in shown for each in headers)


def test_the_record_says_what_was_read_when_and_holds_no_code_and_no_whole_mobile(case: Contracts) -> None:
    browser = case.read(case.sent().open())
    code = case.code(browser)
    browser.typed |= {"drawing": drawing(), "strokes": strokes()}  # as the page's script does
    browser.type({"code": code, "declared": "yes"}).press()
    (first, _) = case.evidence()
    content = case.document(first["signatureEvidence"]["evidenceReference"])
    record = orjson.loads(content)
    assert [(each["documentId"], each["signed"], each["digest"]) for each in record["papers"]] == [
        (name, True, digest_of(content)) for name, content in case.papers.items()
    ]
    assert all(each["openedAt"] < each["confirmedAt"] for each in record["papers"])
    assert record["mark"]["form"] == "drawn"
    assert record["mark"]["strokes"] == orjson.loads(strokes())
    assert case.document(record["mark"]["image"]).startswith(b"\x89PNG")
    assert record["code"]["sentAt"] <= record["code"]["verifiedAt"]
    assert case.mobile not in content.decode()
    assert code not in content.decode()
    assert first["signatureEvidence"]["terminal"] == "H5 手写 drawn"


def test_who_gets_the_messages_may_fetch_the_record_and_the_image(case: Contracts) -> None:
    case.sign(case.read(case.sent().open()))
    holders = case.pages.gateway.documents.holders
    reference = case.evidence()[0]["signatureEvidence"]["evidenceReference"]
    assert sorted(holders(DocumentDigest("SHA256", reference))) == ["core-test", "sandbox"]


def test_a_representative_of_an_institution_signs_for_its_principal(case: Contracts) -> None:
    signer = {"partyId": "P4", "name": "李晓红", "principalIds": ["P2", "P3"]}
    case.sent(signer=signer)
    browser = case.read(case.open("P4", role="INSTITUTION_OPERATOR"))
    case.sign(browser, typed="李 晓红")
    assert "已受理" in browser.text
    assert [each["signatureEvidence"]["principalIds"] for each in case.evidence()] == [["P2", "P3"]] * 2


def test_what_is_to_be_read_alone_is_read_and_not_signed(case: Contracts) -> None:
    case.agreed()
    for content in case.papers.values():
        case.keep(content)
    case.send("contractDocument", case.texts(D2={"toBeSigned": False}))
    case.send("signatureRequest", case.request(signer={"documentIds": ["D1"]}))
    browser = case.open()
    assert len(browser.document.xpath("//section")) == 2
    case.sign(case.read(browser))
    assert [each["signatureEvidence"]["documentId"] for each in case.evidence()] == ["D1"]


def test_the_manager_reads_along_and_cannot_sign(case: Contracts) -> None:
    case.sent()
    browser = case.open(role="RELATIONSHIP_MANAGER", actor="RM-1")
    assert "不能代为确认或签署" in browser.text
    assert [name for name in browser.names() if name.startswith("read.")] == []
    assert case.paper(browser).status_code == 200
    assert browser.press().step == "read"
    assert case.pages.http.get(browser.path.replace("read", "sign")).status_code == 404
    customer = case.open()
    assert (
        customer.type(dict.fromkeys([n for n in customer.names() if n.startswith("read.")], "yes")).press().status
        == 422
    )
    case.sign(case.read(customer))
    assert {each["header"]["operator"] for each in case.evidence()} == {"RM-1"}


def test_a_verification_of_the_partners_own_stands_in_for_the_code(case: Contracts) -> None:
    case.sent(signer={"verifications": ["FACE_CHECK"]})
    stated = {"signatureEvidence.verification": "FACE_CHECK", "signatureEvidence.verificationReference": "FR-1"}
    browser = case.read(case.open(facts=stated))
    assert "code" not in browser.names()
    browser.type({"typed": "王小明", "declared": "yes"}).press()
    found = {(e["signatureEvidence"]["verification"], e["signatureEvidence"]["verificationReference"])
             for e in case.evidence()}  # fmt: skip
    assert found == {("FACE_CHECK", "FR-1")}


def test_a_verification_holds_for_the_launch_that_states_it(case: Contracts) -> None:
    case.sent()
    case.read(case.open(facts={"signatureEvidence.verification": "FACE_CHECK"}))
    browser = case.read(case.open())
    assert "code" in browser.names()
    browser.type({"typed": "王小明", "declared": "yes"}).press()
    assert browser.problem_beside("code")
    assert case.evidence() == []


def test_nobody_signs_for_another_party_whose_launch_came_to_the_same_visit(case: Contracts) -> None:
    case.sent()
    customer = case.read(case.open())
    other = case.open("P4", role="INSTITUTION_OPERATOR")
    assert other.status == 401
    case.sign(customer)
    assert {each["signatureEvidence"]["partyId"] for each in case.evidence()} == {"P1"}


def test_what_a_manager_of_the_same_id_opened_is_not_read_by_the_customer(case: Contracts) -> None:
    case.sent()
    manager = case.open(role="RELATIONSHIP_MANAGER", actor="7")
    assert [case.paper(manager, number).status_code for number in range(2)] == [200, 200]
    customer = case.open(actor="7")
    case.pages.clock.now += 10
    customer.type({name: "yes" for name in customer.names() if name.startswith("read.")}).press()
    assert (customer.status, customer.step) == (422, "read")


def test_a_missing_declaration_is_said_beside_its_box(case: Contracts) -> None:
    case.sent()
    browser = case.sign(case.read(case.open()), declared="")
    (box,) = browser.document.xpath("//input[@name='declared']")
    assert (box.get("aria-invalid"), box.get("aria-describedby")) == ("true", "f-declared-problem")
    assert browser.problem_beside("declared")


def test_a_second_paper_is_taken_where_the_first_completed_the_signatures(case: Contracts) -> None:
    case.sent()
    sealed = example("contractSealed")["contractSealed"]
    case.send("contractSealed", sealed | {"contractNo": case.case_id, "partyId": "T1"})
    browser = case.sign(case.read(case.open()))
    assert "已受理" in browser.text
    assert len(case.evidence()) == 2
    token = (case.pages.data / "admin.token").read_text()
    raised = case.pages.http.get("/v1/exceptions", headers={"Authorization": f"Bearer {token}"}).json()
    assert [each for each in raised if each["case_id"] == case.case_id] == []


class TestReading:
    """What was not read is not signed."""

    def test_a_tick_alone_is_no_reading(self, case: Contracts) -> None:
        browser = case.sent().open()
        ticks = dict.fromkeys([name for name in browser.names() if name.startswith("read.")], "yes")
        browser.type({**ticks}).press()
        assert browser.status == 422
        assert browser.problems == ["请先打开并阅读“合同D1”", "请先打开并阅读“合同D2”"]
        assert "请先打开并阅读" in browser.problem_beside(next(iter(ticks)))

    def test_a_look_is_no_reading(self, case: Contracts) -> None:
        browser = case.sent().open()
        case.paper(browser, 0)
        case.paper(browser, 1)
        case.pages.clock.now += 9
        ticks = dict.fromkeys([name for name in browser.names() if name.startswith("read.")], "yes")
        browser.type({**ticks}).press()
        assert browser.problems == ["“合同D1”的阅读时间不足，请再阅读 1 秒", "“合同D2”的阅读时间不足，请再阅读 1 秒"]
        case.pages.clock.now += 2
        assert browser.press().step == "sign"

    def test_an_opened_text_still_has_to_be_ticked(self, case: Contracts) -> None:
        browser = case.sent().open()
        case.paper(browser, 0)
        case.paper(browser, 1)
        case.pages.clock.now += 10
        assert browser.press().problems == ["请勾选已阅读“合同D1”", "请勾选已阅读“合同D2”"]

    def test_a_head_is_no_reading(self, case: Contracts) -> None:
        browser = case.sent().open()
        link = browser.document.xpath("//a[contains(@href, '/papers/')]/@href")[0]
        assert case.pages.http.head(link).status_code == 200
        case.pages.clock.now += 10
        assert "请先打开并阅读“合同D1”" in browser.press().problems

    def test_posting_to_sign_without_reading_is_refused(self, case: Contracts) -> None:
        browser = case.sent().open()
        browser.open(browser.path.replace("read", "sign"))
        browser.type({"typed": "王小明", "code": "000000", "declared": "yes"}).press()
        assert browser.status == 422
        assert browser.problems == ["请先阅读并确认“合同D1”", "请先阅读并确认“合同D2”"]
        assert browser.press("send-code").problems == ["请先阅读并确认“合同D1”", "请先阅读并确认“合同D2”"]
        assert case.evidence() == []

    def test_a_text_is_served_to_be_looked_at_and_run_by_nobody(self, case: Contracts) -> None:
        browser = case.sent().open()
        answer = case.paper(browser)
        assert answer.content == case.papers["D1"]
        headers = answer.headers
        assert headers["Content-Type"] == "application/pdf"
        assert headers["Content-Disposition"].startswith("inline; filename=\"paper\"; filename*=UTF-8''%E5%90%88")
        assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert case.paper(browser, tail="?save").headers["Content-Disposition"].startswith("attachment;")

    def test_text_is_text_and_xml_is_saved(self, case: Contracts) -> None:
        case.papers = {"D1": b"<script>alert(1)</script> " + case.case_id.encode(), "D2": b"<?xml version='1.0'?><a/>"}
        case.agreed()
        case.keep(case.papers["D1"], "text/plain")
        case.keep(case.papers["D2"], "application/xml")
        case.send("contractDocument", case.texts())
        case.send("signatureRequest", case.request())
        browser = case.open()
        text, xml = case.paper(browser, 0), case.paper(browser, 1)
        assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert "sandbox" in text.headers["Content-Security-Policy"]
        assert xml.headers["Content-Disposition"].startswith("attachment;")

    def test_a_title_with_a_script_is_shown_as_text(self, case: Contracts) -> None:
        case.agreed()
        for content in case.papers.values():
            case.keep(content)
        title = "<script>alert(1)</script>"
        case.send("contractDocument", case.texts(D1={"title": title}))
        case.send("signatureRequest", case.request(signer={"name": "<img src=x onerror=1>"}))
        browser = case.open()
        assert title in browser.text
        assert title not in browser.shown.text
        case.read(browser)
        assert "<img src=x" not in browser.shown.text
        assert "<img src=x onerror=1>" in browser.text


class TestWhose:
    """Only what was sent to this channel about this case can be read here."""

    def test_a_case_of_which_nothing_was_sent_shows_nothing(self, case: Contracts) -> None:
        browser = case.open()
        assert browser.problems == ["没有待您签署的文件，请联系所在机构"]
        assert browser.press().status == 422

    def test_a_paper_of_another_case_is_not_served(self, case: Contracts, contracts: Contracts) -> None:
        link = case.sent().open().document.xpath("//a[contains(@href, '/papers/')]/@href")[0]
        other = contracts.begin().sent().open()
        wrong = f"{other.path}/papers/{link.rpartition('/')[2]}"
        assert case.pages.http.get(wrong).status_code == 404

    def test_another_channel_with_the_same_case_sees_nothing(self, case: Contracts) -> None:
        case.sent()
        browser = case.open(channel="other-test")
        assert browser.problems == ["没有待您签署的文件，请联系所在机构"]
        assert "合同D1" not in browser.text

    def test_what_another_partner_sends_is_no_request(self, case: Contracts) -> None:
        case.sent()
        forged = case.request(requestNo="FORGED", signer={"name": "李四"})
        headers = {"sender": BANK, "receiver": BANK}
        with suppress(AssertionError):  # it is refused, or it counts for nothing
            case.send("signatureRequest", forged, "sandbox", **headers)
        assert "王小明" in case.read(case.open()).text

    def test_an_address_that_nobody_was_given_has_no_papers(self, case: Contracts) -> None:
        name = hashlib.sha256(case.papers["D1"]).hexdigest()
        case.sent()
        assert case.pages.http.get(f"/h5/visits/{'A' * 43}/read/papers/{name}").status_code == 404

    def test_a_text_that_is_not_in_the_store_is_said(self, case: Contracts) -> None:
        case.agreed()
        case.keep(case.papers["D1"])
        case.send("contractDocument", case.texts())
        case.send("signatureRequest", case.request())
        browser = case.open()
        assert browser.problems == ["“合同D2”暂时无法打开，不能签署，请联系所在机构"]

    def test_a_text_that_changed_since_the_request_is_not_signed(self, case: Contracts) -> None:
        browser = case.read(case.sent().open())
        changed = {"name": "D1.pdf", "digest": digest_of(b"another")}
        case.send("contractDocument", case.texts(D1={"version": "2.0", "file": changed}))
        browser.type({"typed": "王小明", "code": "123456", "declared": "yes"}).press()
        assert browser.problems == ["“合同D1”的内容已变更，与签署请求不一致，暂不能签署，请联系所在机构"]
        assert case.evidence() == []

    def test_a_new_text_under_a_new_request_is_read_again(self, case: Contracts) -> None:
        browser = case.read(case.sent().open())
        case.papers["D1"] += b"% new"
        case.keep(case.papers["D1"])
        case.send("contractDocument", case.texts(D1={"version": "2.0"}))
        case.send("signatureRequest", case.request())
        browser.type({"typed": "王小明", "code": "123456", "declared": "yes"}).press()
        assert browser.problems == ["请先阅读并确认“合同D1”"]

    def test_who_is_not_in_the_request_does_not_sign(self, case: Contracts) -> None:
        browser = case.sent().open("P9")
        assert browser.problems == ["您不是本次签署请求中的签署人，请联系所在机构"]
        assert "合同D1" not in browser.text
        assert case.open("", entry="nobody").problems == browser.problems

    def test_a_name_that_the_partner_states_otherwise_does_not_sign(self, case: Contracts) -> None:
        browser = case.sent().open(facts={"signatureEvidence.signerName": "李四"})
        assert browser.problems == ["您不是本次签署请求中的签署人，请联系所在机构"]

    def test_after_the_time_for_it_nothing_is_signed(self, case: Contracts) -> None:
        browser = case.read(case.sent(dueAt="2027-01-15T16:05:00+08:00").open())
        case.pages.clock.now += 600
        browser.type({"typed": "王小明", "code": "123456", "declared": "yes"}).press()
        assert browser.problems == ["已过签署截止时间，请联系所在机构"]

    def test_a_text_that_may_no_longer_be_signed_is_not(self, case: Contracts) -> None:
        case.agreed()
        for content in case.papers.values():
            case.keep(content)
        case.send("contractDocument", case.texts(validUntil="2027-01-14"))
        case.send("signatureRequest", case.request())
        assert case.open().problems == ["已过签署截止时间，请联系所在机构"]

    @pytest.mark.parametrize(
        ("signer", "said"),
        [
            ({"methods": ["PAPER"]}, "本次签署不接受屏幕手写"),
            ({"verifications": ["FACE_CHECK"]}, "签署前须先完成身份核验"),
        ],
    )
    def test_another_way_of_signing_is_said(self, case: Contracts, signer: dict[str, list[str]], said: str) -> None:
        (problem,) = case.sent(signer=signer).open().problems
        assert said in problem

    def test_who_signed_already_signs_no_more(self, case: Contracts) -> None:
        case.sign(case.read(case.sent().open()))
        assert "已受理" in case.open().text
        again = case.open(entry="again")
        assert again.problems == ["您已签署全部文件，无需重复签署"]
        assert len(case.evidence()) == 2


class TestCode:
    """The one-time code."""

    def test_a_wrong_code_counts_and_a_sixth_attempt_is_none(self, case: Contracts) -> None:
        browser = case.read(case.sent().open())
        code = case.code(browser)
        wrong = "000000" if code != "000000" else "000001"
        fields = {"typed": "王小明", "declared": "yes"}
        for _ in range(5):
            assert browser.type({**fields, "code": wrong}).press().problems == ["验证码不正确"]
        assert browser.type({**fields, "code": code}).press().problems == ["输错次数过多，请重新获取验证码"]
        case.sign(browser)
        assert "已受理" in browser.text

    def test_a_code_holds_for_five_minutes(self, case: Contracts) -> None:
        browser = case.read(case.sent().open())
        code = case.code(browser)
        case.pages.clock.now += 301
        browser.type({"typed": "王小明", "code": code, "declared": "yes"}).press()
        assert browser.problem_beside("code") == "验证码已过期，请重新获取"

    def test_a_signature_needs_a_code_that_was_sent(self, case: Contracts) -> None:
        browser = case.read(case.sent().open())
        fields = {"typed": "王小明", "declared": "yes"}
        assert browser.type({**fields}).press().problems == ["请输入验证码"]
        assert browser.type({**fields, "code": "123456"}).press().problems == ["请先获取验证码"]

    def test_a_code_that_was_used_is_used_up(self, case: Contracts, monkeypatch: pytest.MonkeyPatch) -> None:
        browser = case.read(case.sent().open())
        code = case.code(browser)
        with monkeypatch.context() as refusing:

            async def refuse(*_: object) -> None:
                raise PolicyForbids("not today")

            refusing.setattr(Intake, "accept", refuse)
            browser.type({"typed": "王小明", "code": code, "declared": "yes"}).press()
        browser.press("correct")
        assert browser.step == "sign"
        browser.type({"typed": "王小明", "code": code, "declared": "yes"}).press()
        assert browser.problems == ["请先获取验证码"]

    def test_the_code_of_another_visit_is_wrong(self, case: Contracts, contracts: Contracts) -> None:
        code = case.code(case.read(case.sent().open()))
        other = contracts.begin()
        browser = other.read(other.sent().open())
        if other.code(browser) != code:
            browser.type({"typed": "王小明", "code": code, "declared": "yes"}).press()
            assert browser.problems == ["验证码不正确"]

    def test_codes_are_sent_a_minute_apart_and_five_in_an_hour(self, case: Contracts) -> None:
        browser = case.read(case.sent().open())
        case.code(browser)
        assert browser.press("send-code").problems == ["请在 60 秒后重新发送"]
        for _ in range(4):
            case.code(browser)
        case.pages.clock.now += 61
        assert browser.press("send-code").problems == ["发送次数过多，请一小时后再试"]
        case.pages.clock.now += 3600
        case.sign(case.open(), code="")

    def test_codes_to_one_mobile_are_counted_over_visits(self, case: Contracts, contracts: Contracts) -> None:
        mobile = case.mobile
        for number in range(3):
            each = case if number == 0 else contracts.begin()
            each.mobile = mobile
            browser = each.read(each.sent().open())
            for _ in range(4 if number < 2 else 2):
                each.code(browser)
        case.pages.clock.now += 61
        assert browser.press("send-code").problems == ["发送次数过多，请一小时后再试"]

    def test_neither_code_nor_whole_mobile_is_kept_or_shown(self, case: Contracts) -> None:
        browser = case.read(case.sent().open())
        code = case.code(browser)
        assert case.mobile not in browser.shown.text
        trail = trail_of(case)
        assert "code_sent" in [each["act"] for each in trail]
        assert code not in str(trail)
        assert browser.value("code") == ""

    def test_a_request_without_a_mobile_says_so(self, case: Contracts) -> None:
        browser = case.read(case.sent(signer={"contact": {"email": "w@example.com"}}).open())
        assert "签署请求中没有手机号码" in browser.text


class TestMark:
    """What stands for a signature."""

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({}, "请手写签名，或键入完整姓名"),
            ({"typed": "<script>王小明</script>"}, "键入的姓名与签署人不一致，应为：王小明"),
            ({"drawing": drawing(tail=b"<script>"), "strokes": strokes()}, "手写签名无法使用"),
        ],
    )
    def test_what_is_no_signature_is_refused(self, case: Contracts, fields: dict[str, str], said: str) -> None:
        browser = case.read(case.sent().open())
        browser.typed |= {**fields, "declared": "yes"}
        browser.press()
        assert browser.status == 422
        assert said in browser.problem_beside("typed")
        assert case.evidence() == []

    @pytest.mark.parametrize(
        ("drawn", "points"),
        [
            ("data:image/png;base64,AAAA", strokes()),
            ("data:image/png;base64,!", strokes()),
            ("data:image/svg+xml;base64,PHN2Zz4=", strokes()),
            (drawing(5000, 100), strokes()),
            (drawing(10, 10), strokes()),
            (drawing(grow=90_000), strokes()),
            (drawing()[:-24], strokes()),
            (drawing(), strokes(3)),
            (drawing(), strokes(4001)),
            (drawing(), '[[[1,2,"x"]]]'),
            (drawing(), "[[1,2,3]]"),
            (drawing(), "{}"),
            (drawing(), "not json"),
        ],
    )
    def test_a_drawing_that_is_none_is_refused(self, drawn: str, points: str) -> None:
        mark, problem = read_mark(FormData({"drawing": [drawn], "strokes": [points]}), "王小明")
        assert mark is None
        assert problem is not None
        assert problem.text.en.startswith("the drawing cannot be used")

    @pytest.mark.parametrize(
        ("typed", "name"),
        [("王 小明", "王小明"), ("阿依古丽•买买提", "阿依古丽·买买提"), ("wang xiaoming", "WANG XIAOMING")],
    )
    def test_a_name_is_the_same_by_any_keyboard(self, typed: str, name: str) -> None:
        mark, problem = read_mark(FormData({"typed": [typed]}), name)
        assert (mark, problem) == (Mark(typed=typed), None)

    def test_a_form_larger_than_any_signature_is_refused(self, case: Contracts) -> None:
        browser = case.read(case.sent().open())
        browser.typed |= {"drawing": "A" * 300_000}
        assert browser.press().status == 413

    def test_without_the_declaration_nothing_is_signed(self, case: Contracts) -> None:
        browser = case.read(case.sent().open())
        assert browser.type({"typed": "王小明"}).press().problems == ["请先勾选确认"]

    def test_a_drawing_stays_while_a_code_is_sent(self, case: Contracts) -> None:
        browser = case.read(case.sent().open())
        browser.typed |= {"strokes": strokes(), "typed": "王小明"}
        browser.press("send-code")
        assert (browser.value("strokes"), browser.value("typed")) == (strokes(), "王小明")


class TestEnding:
    """One signature whatever windows and breaks there are."""

    def test_pressed_twice_it_is_signed_once(self, case: Contracts) -> None:
        browser = case.read(case.sent().open())
        code = case.code(browser)
        twice = browser.copy()
        fields = {"typed": "王小明", "code": code, "declared": "yes"}
        browser.type({**fields}).press()
        twice.type({**fields}).press()
        assert browser.text == twice.text
        assert len(case.evidence()) == 2

    def test_the_back_button_shows_the_receipt(self, case: Contracts) -> None:
        browser = case.read(case.sent().open())
        address = browser.path
        case.sign(browser)
        receipt = browser.text
        assert browser.open(address).text == receipt
        assert browser.open(address.replace("sign", "read")).text == receipt
        name = hashlib.sha256(case.papers["D1"]).hexdigest()
        assert case.pages.http.get(address.replace("sign", f"read/papers/{name}")).status_code == 404

    def test_what_broke_off_is_handed_in_once_more_and_counts_once(
        self, case: Contracts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        browser = case.read(case.sent().open())
        accept = Intake.accept
        with monkeypatch.context() as lost:

            async def lose(self: Intake, raw: object) -> object:
                await accept(self, raw)  # type: ignore[arg-type]  # what the pages hand in
                raise JournalUnavailable("the answer was lost")

            lost.setattr(Intake, "accept", lose)
            case.sign(browser)
        assert "正在提交" in browser.text
        browser.press("again")
        assert "已受理" in browser.text
        assert case.pages.http.get(browser.path).text == browser.shown.text
        assert len(case.evidence()) == 2

    def test_two_visits_of_one_signer_come_to_one_signature(self, case: Contracts) -> None:
        case.sent()
        one, other = case.read(case.open()), case.read(case.open(entry="other"))
        code = case.code(other)
        case.sign(one)
        other.type({"typed": "王小明", "code": code, "declared": "yes"}).press()
        assert other.problems == ["您已签署全部文件，无需重复签署"]
        assert len(case.evidence()) == 2

    def test_the_attestation_names_who_signed_by_digests_alone(self, case: Contracts) -> None:
        case.sign(case.read(case.sent().open()))
        trail = trail_of(case)
        assert [each["act"] for each in trail] == ["read", "read", "entered", "code_sent", "confirmed", "submitted"]
        assert "王小明" not in str(trail)


@pytest.mark.parametrize(("locale", "said"), [("en", "Read the documents"), ("zh-CN", "阅读文件")])
def test_the_pages_speak_both_languages(case: Contracts, locale: str, said: str) -> None:
    browser = case.sent().open(locale=locale)
    assert said in browser.text
    case.read(browser)
    assert ("Sign and submit" in browser.text) == (locale == "en")
    assert ("签署并提交" in browser.text) == (locale == "zh-CN")
