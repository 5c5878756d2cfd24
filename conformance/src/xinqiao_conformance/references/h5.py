"""The smallest H5 host that meets the requirements, in this process: it signs launches for customers of its own."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import orjson

from xinqiao.errors import MalformedRequest
from xinqiao.launch import Role, launch_url, read_launch
from xinqiao.message import Json, new_message_id
from xinqiao.seal import read_signing_key, sign_token
from xinqiao_conformance.benches.web import Request, Response, web_server

__all__ = ["ReferenceHost", "host_at"]

_LIFE = 300
_FACTS: Mapping[str, Json] = {
    "kyc-person": {"kycApplication.applicant.name": "王小明", "kycApplication.branch": "北京东城支行"},
    "kyc-institution": {"kycApplication.branch": "北京东城支行"},
    "contract-signing": {"signatureEvidence.partyId": "P1"},
    "subscription": {"subscriptionOrder.instrument.code": "XT2026001", "subscriptionOrder.tradeDate": "2026-01-23"},
    "redemption": {"redemptionOrder.instrument.code": "XT2026001", "redemptionOrder.tradeDate": "2026-01-23"},
    "delivery-cash": {"deliveryInstruction.instructionNo": "DI20260119001"},
    "cashier": {"prepaidPayment.orderReference": "PO20260201000001"},
    "statement": {},
    "disclosure": {"disclosureReceipt.disclosureNo": "DN20260131001"},
}
_OPERATORS = frozenset({"kyc-institution"})


class ReferenceHost:
    """An H5 host of the contract, by its environment. Each step is a method, so that a mutant is one done wrong."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.key = read_signing_key(environment["XINQIAO_KEY"])
        self.gateway = environment["XINQIAO_GATEWAY"]
        self.channel = environment["XINQIAO_CHANNEL"]
        self.gateway_code = environment["XINQIAO_RECEIVER"]

    def handle(self, request: Request) -> Response:
        """Answer on the control side."""
        if request.path == "/health":
            return Response(200)
        if request.method != "POST" or request.path != "/do/launch":
            return Response(404)
        return self.launched(request.query.get("flow", ""), request.query.get("case", ""))

    def launched(self, flow: str, case: str) -> Response:
        """Answer with the address of a launch, or refuse what is none."""
        if not self.offers(flow):
            return Response(404)
        claims = self.claims(flow, case)
        if not self.is_fit(claims):
            return Response(400)
        return Response(200, orjson.dumps({"url": self.url(self.token(claims))}))

    def offers(self, flow: str) -> bool:
        """Say whether a flow is launched here."""
        return flow in _FACTS

    def claims(self, flow: str, case: str) -> Json:
        """Return what a launch states."""
        issued = int(datetime.now(UTC).timestamp())
        role: Role = "INSTITUTION_OPERATOR" if flow in _OPERATORS else "CUSTOMER"
        return {
            "aud": f"{self.gateway_code}/{self.channel}",
            "jti": new_message_id(),
            "iat": issued,
            "exp": issued + _LIFE,
            "flow": flow,
            "case": case,
            "entry": "E1",
            "actor": {"role": role, "id": f"C{hashlib.sha256(case.encode()).hexdigest()[:8].upper()}"},
            "locale": "zh-CN",
            "origin": "https://app.my-bank.example",
            "return": "https://app.my-bank.example/done",
            "facts": dict(_FACTS.get(flow, {})),
        }

    def is_fit(self, claims: Json) -> bool:
        """Say whether the standard has such a launch."""
        try:
            read_launch(claims)
        except MalformedRequest:
            return False
        return True

    def token(self, claims: Json) -> str:
        """Sign a launch."""
        return sign_token(claims, self.key)

    def url(self, token: str) -> str:
        """Return the address that a browser opens."""
        return launch_url(self.gateway, self.channel, token)


@contextmanager
def host_at(environment: Mapping[str, str], kind: type[ReferenceHost] = ReferenceHost) -> Iterator[str]:
    """Serve a host in this process and yield its address."""
    with web_server(kind(environment).handle, int(environment["XINQIAO_PORT"])) as url:
        yield url
