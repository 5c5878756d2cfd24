"""A gateway whose test channel signs contracts: what the trust company sends, and what people do on the pages."""

import base64
import hashlib
import struct
import zlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx2 as httpx
import orjson
import yaml
from starlette.testclient import TestClient

from tests.gateway.conftest import BANK, CORE, PARTNER, TRUST
from tests.gateway.h5.browser import Browser
from tests.gateway.h5.conftest import HOST, Clock, Pages, add_pages
from xinqiao.message import Json, new_message_id, timestamp, write_json
from xinqiao.seal import SIGNATURE_HEADER, new_key, seal, write_key
from xinqiao.testing import example
from xinqiao_gateway.documents import Announced, DocumentDigest
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

__all__ = ["OTHER", "PDF", "Contracts", "digest_of", "drawing", "opened_contracts", "strokes"]

OTHER = {"name": "另一银行", "type": "bank", "code": "91110000100000001W"}
PDF = b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n%%EOF\n"
SECTION = {"flows": ["contract-signing", "kyc-person"], "frame_ancestors": [HOST], "idle": 1800, "keep": 86400}
_CASES, _MOBILES = count(1), count(13_800_000_000)


def digest_of(content: bytes) -> Json:
    return {"algorithm": "SHA256", "value": hashlib.sha256(content).hexdigest()}


@dataclass
class Contracts:
    """One case of a test's own: what was sent about it, and browsers that sign it."""

    pages: Pages
    case_id: str = ""
    mobile: str = ""
    papers: dict[str, bytes] = field(default_factory=dict)
    test: bool = True

    @property
    def channel(self) -> str:
        """The bank's channel."""
        return "sandbox" if self.test else "partner"

    @property
    def core(self) -> str:
        """The trust company's channel."""
        return "core-test" if self.test else "core"

    def begin(self) -> "Contracts":
        """Return a case of its own, with two texts to sign that are in the store."""
        number = next(_CASES)
        papers = {f"D{each}": PDF + f"% {number} {each}".encode() for each in (1, 2)}
        case = Contracts(self.pages, f"SIGN-{number}", str(next(_MOBILES)), papers)
        self.pages.case_id = case.case_id
        return case

    def keep(self, content: bytes, media_type: str = "application/pdf") -> None:
        """Put a document into the store, as the trust company does."""
        documents = self.pages.gateway.documents
        digest = DocumentDigest("SHA256", hashlib.sha256(content).hexdigest())
        with documents.begin(Announced(self.core, digest, media_type, len(content))) as upload:
            upload.write(content)
            upload.finish()

    def texts(self, **changed: Any) -> Json:
        """Return contractDocument about the papers; ``D1={…}`` changes a text."""
        texts = [
            {"documentId": name, "kind": "TRUST_CONTRACT", "title": f"合同{name}", "version": "1.0", "pages": 3,
             "file": {"name": f"合同{name}.pdf", "mediaType": "application/pdf", "digest": digest_of(content)},
             "toBeSigned": True} | changed.pop(name, {})
            for name, content in self.papers.items()
        ]  # fmt: skip
        return {"contractNo": self.case_id, "texts": texts, "generatedAt": "2027-01-10T10:00:00+08:00"} | changed

    def request(self, **changed: Any) -> Json:
        """Return a signatureRequest for the papers; ``signer={…}`` changes its one signer."""
        signer = {"partyId": "P1", "name": "王小明", "role": "SETTLOR", "contact": {"mobile": self.mobile},
                  "documentIds": [*self.papers]} | changed.pop("signer", {})  # fmt: skip
        documents = [{"documentId": name, "digest": digest_of(content)} for name, content in self.papers.items()]
        asked = {"requestNo": f"SR-{self.case_id}", "contractNo": self.case_id, "documents": documents,
                 "signers": [signer], "dueAt": "2027-02-01T18:00:00+08:00", "venue": "EMBEDDED_PAGE"}  # fmt: skip
        return asked | changed

    def send(self, body: str, content: Json, channel: str = "", **header: Any) -> Json:
        """Send a message of the trust company about the case; return it."""
        about = {"messageId": new_message_id(), "standardVersion": "1.0", "sender": TRUST, "receiver": BANK,
                 "caseId": self.case_id, "createdAt": timestamp(), "test": self.test} | header  # fmt: skip
        message = {"header": {name: value for name, value in about.items() if value is not None}, body: content}
        data = write_json(message)
        headers = {"Content-Type": "application/json"}
        headers[SIGNATURE_HEADER] = seal(data, "application/json", self.pages.key).signature
        answer = self.pages.http.post(f"/v1/channels/{channel or self.core}/messages", content=data, headers=headers)
        assert answer.status_code in {200, 202}, answer.text
        return message

    def agreed(self, signers: tuple[str, ...] = ("P1", "T1")) -> "Contracts":
        """Lead the case to where it is signed: known customer, contract proposed, ``signers`` to sign it."""
        bank = {"sender": BANK, "receiver": TRUST}
        self.send("kycApplication", example("kycApplication")["kycApplication"], self.channel, **bank)
        self.send("kycDecision", example("kycDecision")["kycDecision"] | {"validUntil": "2028-01-07"})
        proposal = example("contractProposal")["contractProposal"] | {"contractNo": self.case_id}
        for each in proposal["parties"]:
            each["signs"] = each["party"]["partyId"] in signers
        self.send("contractProposal", proposal, self.channel, **bank)
        return self

    def sent(self, **request: Any) -> "Contracts":
        """Lead the case to where it is signed; send texts and request, the texts' contents in the store."""
        self.agreed()
        for content in self.papers.values():
            self.keep(content)
        self.send("contractDocument", self.texts())
        self.send("signatureRequest", self.request(**request))
        return self

    def open(self, party: str = "P1", channel: str = "", **about: Any) -> Browser:
        """Return a browser at the pages, as the party."""
        stated = {"signatureEvidence.partyId": party} if party else {}
        facts = stated | about.pop("facts", {})
        return self.pages.open("contract-signing", self.case_id, channel=channel or self.channel, facts=facts, **about)

    def paper(self, browser: Browser, number: int = 0, tail: str = "") -> httpx.Response:
        """Open a text from the page that lists them."""
        links = browser.document.xpath("//section//a[contains(@href, '/papers/') and not(contains(@href, '?'))]/@href")
        return self.pages.http.get(links[number] + tail)

    def read(self, browser: Browser) -> Browser:
        """Open every text, wait, tick, go on."""
        for number in range(len(browser.document.xpath("//section"))):
            assert self.paper(browser, number).status_code == 200
        self.pages.clock.now += 10
        ticks = {name: "yes" for name in browser.names() if name.startswith("read.")}
        return browser.type({**ticks}).press()

    def code(self, browser: Browser) -> str:
        """Have a code sent, and return what the simulator shows."""
        self.pages.clock.now += 61
        browser.press("send-code")
        return str(browser.document.get_element_by_id("simulated").text_content())

    def sign(self, browser: Browser, **fields: str) -> Browser:
        """Have a code sent and sign by typing the name."""
        code = self.code(browser)
        filled: dict[str, str | list[str]] = {"typed": "王小明", "code": code, "declared": "yes"}
        return browser.type({**filled, **fields}).press()

    def evidence(self) -> list[Json]:
        """Return the signatures of the case in the journal."""
        found = [each["message"] for each in self.pages.messages(self.case_id)]
        return [each for each in found if "signatureEvidence" in each]

    def document(self, value: str) -> bytes:
        """Return a document of the store."""
        with self.pages.gateway.documents.open(DocumentDigest("SHA256", value)) as opened:
            return b"".join(opened.pieces())


def opened_contracts(folder: Path, running: ExitStack, **settings: Any) -> Contracts:
    """Start a gateway with test channels of a bank, another bank and the trust company; codes are simulated."""
    key, clock = new_key("partner-1"), Clock()
    public, data = folder / "partner.pub.jwk", folder / "data"
    write_key(key.public(), public)
    for channel, institution, test in (
        ("partner", PARTNER, False), ("core", CORE, False),
        ("sandbox", PARTNER, True), ("core-test", CORE, True), ("other-test", OTHER, True),
    ):  # fmt: skip
        add_channel(data, channel, extends="canonical", keys=[public], institution=institution, test=test)
    for channel in ("partner", "sandbox", "other-test"):
        add_pages(data, channel, SECTION)
    path = data / "gateway.yaml"
    said = yaml.safe_load(path.read_text()) if path.exists() else {}
    path.write_text(yaml.safe_dump((said or {}) | {"sms": "simulator"} | settings))
    gateway = Gateway(open_installation(data), now=clock)
    http = running.enter_context(TestClient(build_app(gateway), follow_redirects=True))
    return Contracts(Pages(data, key, http, gateway, clock))


def strokes(points: int = 12) -> str:
    return orjson.dumps([[[10 + each * 7, 20 + each * 3, each * 16] for each in range(points)]]).decode()


def drawing(width: int = 320, height: int = 120, *, tail: bytes = b"", grow: int = 0) -> str:
    """Return a PNG as a page sends it; ``grow`` makes it larger by noise."""
    row = b"\0" + b"\xff\xff\xff\xff" * width
    noise = hashlib.shake_256(b"noise").digest(grow) if grow else b""
    image = (noise + row * height)[: len(row) * height]
    if grow:
        image = b"".join(b"\0" + image[at + 1 : at + len(row)] for at in range(0, len(image), len(row)))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)), (b"IDAT", zlib.compress(image)),
             (b"IEND", b"")]  # fmt: skip
    chunks = [struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
              for kind, data in parts]  # fmt: skip
    content = b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + tail
    return "data:image/png;base64," + base64.b64encode(content).decode()
