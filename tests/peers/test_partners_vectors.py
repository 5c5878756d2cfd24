"""The partners of conformance/examples say of each published vector what the standard says of it."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.peers.example_partners import LANGUAGES, Partner, keys_in, reference_gateway, started_partner
from xinqiao.message import Json, new_message_id
from xinqiao.seal import CONTENT_TYPE_JSON, SigningKey
from xinqiao.testing import BANK

VECTORS = Path(__file__).parents[2] / "schemas" / "vectors"
SEALED = json.loads((VECTORS / "sealed.json").read_bytes())
# The rules that these partners have are those of this business; of other types they know the schema.
FAMILY_TRUST = {
    "accountEntry",
    "contractEffective",
    "contractProposal",
    "deliveryConfirmation",
    "deliveryInstruction",
    "disclosureNotice",
    "disclosureReceipt",
    "fundsMatch",
    "kycApplication",
    "kycDecision",
    "kycExpired",
    "kycUpdate",
    "navReport",
    "signatureEvidence",
}


@pytest.fixture(scope="module", params=sorted(LANGUAGES))
def partner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    """A partner whose gateway has the key of the sealed vectors."""
    keys = keys_in(tmp_path_factory.mktemp("keys"), SigningKey.from_jwk(SEALED["privateKeys"][0]))
    with reference_gateway(keys) as gateway, started_partner(request.param, keys, gateway) as found:
        yield found


def said_of(answer: httpx.Response) -> str:
    rejected = answer.json().get("rejection")
    return rejected["reason"] if rejected else "taken"


def for_the_partner(case: Json) -> Json:
    """Return a vector's message under an id of its own, for this bank; what is faulty about it stays as it is."""
    message: Json = json.loads(json.dumps(case["json"]))
    faulty = {each["path"] for each in case.get("findings", ())}
    changed: dict[str, Any] = {"receiver": BANK, "test": True}
    if "header.replaces" not in faulty:
        changed["messageId"] = new_message_id()
    message["header"] |= {name: value for name, value in changed.items() if f"header.{name}" not in faulty}
    return message


def is_known(body: str, case: Json) -> bool:
    rules = [each["rule"] for each in case.get("findings", ())]
    return body in FAMILY_TRUST or case["valid"] or all(each.startswith("schema.") for each in rules)


def test_every_form_of_every_message_gets_its_verdict(partner: Partner) -> None:
    wrong, judged = [], 0
    for file in sorted((VECTORS / "forms").iterdir()):
        vectors = json.loads(file.read_bytes())
        for case in vectors["cases"]:
            if not is_known(vectors["body"], case):
                continue
            errors = {
                (each["rule"], each["path"])
                for each in case.get("findings", ())
                if not case["valid"] and each["rule"] != "schema.unknown_field"
            }
            answer = partner.push(for_the_partner(case))
            found = {(each["rule"], each["path"]) for each in answer.json().get("rejection", {}).get("findings", ())}
            judged += 1
            if said_of(answer) != ("not_valid" if errors else "taken") or not found >= errors:
                wrong.append((vectors["body"], case["name"], said_of(answer), sorted(found)))
    assert wrong == []
    assert judged > 1_300


@pytest.mark.parametrize("case", SEALED["cases"], ids=lambda case: str(case["name"]))
def test_every_seal_gets_its_verdict(case: Json, partner: Partner) -> None:
    # What opened at the time of the vector is too old by now; that a fresh seal opens is shown elsewhere.
    outcome = {"opens": "signature_expired"}.get(case["outcome"], case["outcome"])
    answer = partner.push_sealed(base64.b64decode(case["content"]), case["contentType"], case["signature"])
    assert (answer.status_code, said_of(answer)) == (401, outcome)


@pytest.mark.parametrize(
    "case", json.loads((VECTORS / "json.json").read_bytes())["cases"], ids=lambda case: str(case["name"])
)
def test_every_way_to_write_json_gets_its_verdict(case: Json, partner: Partner) -> None:
    content = base64.b64decode(case["base64"]) if "base64" in case else case["text"].encode()
    answer = partner.push_bytes(content, CONTENT_TYPE_JSON)
    # What is read is no message of the standard, and is refused for that.
    expected = (422, "unknown_message_type") if case["outcome"] == "read" else (400, case["outcome"])
    assert (answer.status_code, said_of(answer)) == expected
