"""Files that people choose: what they are decides, what is wrong with them stands beside their field."""

import base64
import zipfile
from io import BytesIO
from typing import Any

import pytest

from tests.gateway.h5.browser import Browser
from tests.gateway.h5.conftest import Pages
from tests.gateway.h5.contracts import PDF, drawing
from tests.gateway.h5.filling import CONTACT, IDENTITY, MEANS, TAX, answer_risk, go
from xinqiao.validation import check
from xinqiao_gateway.documents import DocumentDigest

PNG = base64.b64decode(drawing().partition(",")[2])
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 8 + b"\xff\xd9"
MB = 1_048_576
File = tuple[str, bytes, str]


def at_images(pages: Pages, **means: str) -> Browser:
    browser = pages.open()
    for step, typed in (("identity", IDENTITY), ("contact", CONTACT), ("means", MEANS | means), ("tax", TAX)):
        go(browser, step, typed)
    return go(browser, "family", {})


def send(browser: Browser, files: list[tuple[str, File]], act: str = "upload", **fields: str) -> Browser:
    """Send the page's form with files, as a browser does: its fields first."""
    data = {"version": str(browser.value("version")), "do": act} | fields
    browser._shown(browser.http.post(browser.path, data=data, files=files))
    return browser


def content_of(pages: Pages, reference: dict[str, Any]) -> bytes:
    with pages.gateway.documents.open(DocumentDigest("SHA256", reference["digest"]["value"])) as opened:
        return b"".join(opened.pieces())


def zipped() -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.html", "<p>")
    return packed.getvalue()


def test_images_of_a_document_go_into_the_message_by_reference(pages: Pages) -> None:
    browser = at_images(pages)
    send(browser, [("file.0", ("正面.png", PNG, "image/jpeg")), ("file.1", ("b.JPG", JPEG, "text/html"))])
    assert browser.step == "images"
    assert "正面.png" in browser.text
    send(browser, [("file.1", ("c.pdf", PDF, ""))], act="next")
    answer_risk(browser).type({"declared": "yes"}).press()
    (found,) = pages.messages()
    assert check(found["message"]) == []
    (document,) = found["message"]["kycApplication"]["applicant"]["documents"]
    image, further = document["image"], document["furtherImages"]
    assert (image["name"], image["mediaType"], image["size"]) == ("正面.png", "image/png", str(len(PNG)))
    assert [(each["name"], each["mediaType"]) for each in further] == [
        ("b.JPG", "image/jpeg"),
        ("c.pdf", "application/pdf"),
    ]
    assert [content_of(pages, each) for each in (image, *further)] == [PNG, JPEG, PDF]
    assert pages.gateway.documents.holders(DocumentDigest("SHA256", image["digest"]["value"])) == ["partner"]


def test_what_was_confirmed_names_how_many_files_there_are(pages: Pages) -> None:
    browser = send(at_images(pages), [("file.0", ("front.png", PNG, ""))], act="next")
    answer_risk(browser)
    assert "1 个文件" in browser.text
    assert "front.png" not in browser.text
    assert "front.png" in browser.press("show:full").text


def test_a_file_is_removed_and_another_chosen(pages: Pages) -> None:
    browser = send(at_images(pages), [("file.0", ("a.png", PNG, "")), ("file.1", ("b.jpg", JPEG, ""))])
    browser.press("remove:file.0[0]")
    assert "a.png" not in browser.text
    assert "b.jpg" in browser.text
    send(browser, [("file.0", ("c.pdf", PDF, ""))])
    assert "c.pdf" in browser.text


def test_the_same_file_twice_is_there_once(pages: Pages) -> None:
    browser = send(at_images(pages), [("file.1", ("a.png", PNG, "")), ("file.1", ("b.png", PNG, ""))])
    assert "a.png" in browser.text
    assert "b.png" not in browser.text


def test_evidence_of_a_qualified_investor_is_asked_where_that_is_applied_for(pages: Pages) -> None:
    browser = at_images(pages, **{"qualifiedInvestor.basis": "BY_ASSETS"})
    go(browser, "images", {})
    assert browser.step == "qualification"
    assert browser.press().problem_beside("file.0") == "缺少文件：资产证明、收入证明等"
    send(browser, [("file.0", ("proof.pdf", PDF, ""))], act="next")
    answer_risk(browser).type({"declared": "yes"}).press()
    investor = pages.messages()[0]["message"]["kycApplication"]["qualifiedInvestor"]
    assert (investor["basis"], [each["name"] for each in investor["evidence"]]) == ("BY_ASSETS", ["proof.pdf"])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.png", b"", "文件是空的"),
        ("page.png", b"<html><script>alert(1)</script></html>", "含有脚本或夹带其他文件"),
        ("tool.jpg", b"MZ\x90\x00" + bytes(2000), "不是允许的类型"),
        ("note.pdf", "只是文字".encode(), "不是允许的类型"),
        ("two.png", PNG + zipped(), "含有脚本或夹带其他文件"),
        ("two.jpg", JPEG + b"<SCRIPT src=//x>", "含有脚本或夹带其他文件"),
        ("form.pdf", PDF + b"<< /S /JavaScript /JS (app.alert(1)) >>", "含有脚本或夹带其他文件"),
        ("large.pdf", PDF + bytes(8 * MB), "文件过大，最大 8 MB"),
        ("<script>alert(1)</script>.png", PNG, "文件名含有不允许的字符"),
        ("a\u202egnp.exe", PNG, "文件名含有不允许的字符"),
        ("../../etc/passwd", PNG, "文件名含有不允许的字符"),
        ("n" * 201 + ".png", PNG, "文件名含有不允许的字符"),
    ],
)
def test_what_is_no_image_is_refused_beside_its_field(pages: Pages, name: str, content: bytes, said: str) -> None:
    browser = at_images(pages)
    before = sorted(map(str, pages.gateway.documents.digests()))
    send(browser, [("file.0", (name, content, "image/png"))])
    assert browser.status == 422
    assert said in browser.problem_beside("file.0")
    assert "<script>" not in browser.shown.text
    assert sorted(map(str, pages.gateway.documents.digests())) == before
    assert go(browser, "images", {}).step == "risk"


def test_one_that_is_refused_does_not_take_the_others_with_it(pages: Pages) -> None:
    browser = send(at_images(pages), [("file.0", ("a.png", PNG, "")), ("file.1", ("b.png", b"MZ" * 999, ""))])
    assert "“b.png”：文件内容不是允许的类型" in browser.problem_beside("file.1")
    assert "a.png" in browser.text


def test_more_files_than_there_is_room_for_are_refused(pages: Pages) -> None:
    many = [("file.1", (f"{number}.pdf", PDF + b"%%%d" % number, "")) for number in range(6)]
    browser = send(at_images(pages), many)
    assert browser.problems == ["“5.pdf”：文件数量超出限制，请先删除一个"]
    assert "file.1" not in browser.names()


def test_files_of_an_older_page_are_not_kept(pages: Pages) -> None:
    browser = at_images(pages)
    older = browser.copy()
    send(browser, [("file.0", ("a.png", PNG, ""))])
    before = sorted(map(str, pages.gateway.documents.digests()))
    send(older, [("file.0", ("b.pdf", PDF + b"older", ""))])
    assert older.status == 409
    assert "a.png" in older.text
    assert sorted(map(str, pages.gateway.documents.digests())) == before


def test_a_body_beyond_all_files_is_refused_whole(pages: Pages) -> None:
    browser = at_images(pages)
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(300 * MB)}
    assert browser.http.post(browser.path, content=b"--x--\r\n", headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("multipart/form-data", b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b"no form at all"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="version"\r\n\r\n1'),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Type: text/plain\r\n\r\n1\r\n--x--\r\n"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\xfe\r\n--x--\r\n',
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 301 + b"--x--\r\n",
        ),
    ],
)
def test_what_no_browser_sends_is_refused(pages: Pages, content_type: str, content: bytes) -> None:
    browser = at_images(pages)
    answer = browser.http.post(browser.path, content=content, headers={"Content-Type": content_type})
    assert answer.status_code == 400
    assert pages.open().step == "images"


def test_the_upload_is_labelled_and_works_by_form_alone(pages: Pages) -> None:
    document = at_images(pages).document
    (form,) = document.xpath("//form[@id='main']")
    assert form.get("enctype") == "multipart/form-data"
    for each in document.xpath("//input[@type='file']"):
        assert document.xpath("//label[@for=$id]", id=each.get("id"))
        assert each.get("accept") == "image/jpeg,image/png,application/pdf"
