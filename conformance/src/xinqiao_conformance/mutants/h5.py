"""H5 hosts that break one requirement each, made by hand."""

import base64
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import orjson

from xinqiao.message import Json, new_message_id
from xinqiao.seal import new_key, sign_token
from xinqiao_conformance.benches.web import Response
from xinqiao_conformance.mutants.hosts import mutant_host
from xinqiao_conformance.references.h5 import ReferenceHost

__all__ = ["MUTANTS"]

# Of a launch that nobody vouches for, nothing that it states is known.
_NOTHING_KNOWN = [f"LCH-{number:03}" for number in range(2, 11)]


class _SignsByAKeyThatNobodyKnows(ReferenceHost):
    def token(self, claims: Json) -> str:
        return sign_token(claims, new_key("stranger-1"))


class _BorrowsTheNameOfTheKey(ReferenceHost):
    def token(self, claims: Json) -> str:
        return sign_token(claims, new_key(self.key.kid))


class _SignsNothing(ReferenceHost):
    def token(self, claims: Json) -> str:
        parts = ({"alg": "none", "kid": self.key.kid, "typ": "JWT"}, claims)
        return ".".join(base64.urlsafe_b64encode(orjson.dumps(each)).rstrip(b"=").decode() for each in parts) + "."


class _ChangesWhatItSigned(ReferenceHost):
    def token(self, claims: Json) -> str:
        head, _, seal = super().token(claims).split(".")
        other = base64.urlsafe_b64encode(orjson.dumps({**claims, "locale": "en"})).rstrip(b"=").decode()
        return f"{head}.{other}.{seal}"


class _KeepsALaunchForEachCase(ReferenceHost):
    def launched(self, flow: str, case: str) -> Response:
        known = self.__dict__.setdefault("known", {})
        if (flow, case) not in known:
            known[flow, case] = super().launched(flow, case)
        kept: Response = known[flow, case]
        return kept


class _CountsIdsByTheSecond(ReferenceHost):
    def claims(self, flow: str, case: str) -> Json:
        claims = super().claims(flow, case)
        return {**claims, "jti": f"{new_message_id()[:8]}-0000-7000-8000-000000000000"}


class _OpensTheAddressItself(ReferenceHost):
    def url(self, token: str) -> str:
        address = super().url(token)
        httpx.post(address.partition("?")[0], data={"token": token}, timeout=5, trust_env=False)
        return address


class _PutsTheNameIntoTheAddress(ReferenceHost):
    def url(self, token: str) -> str:
        return f"{super().url(token)}&name={quote('王小明')}"


class _PutsTheNameBehindTheAddress(ReferenceHost):
    def url(self, token: str) -> str:
        return f"{super().url(token)}#{quote('王小明')}"


class _LeadsElsewhere(ReferenceHost):
    def url(self, token: str) -> str:
        return super().url(token).replace("/h5/", "/pages/h5/")


class _LeadsToAnotherHost(ReferenceHost):
    def url(self, token: str) -> str:
        return super().url(token).replace("127.0.0.1", "localhost")


class _SignsWhateverItIsAsked(ReferenceHost):
    def is_fit(self, claims: Json) -> bool:  # noqa: ARG002
        return True


class _LaunchesFlowsThatThereAreNot(ReferenceHost):
    def offers(self, flow: str) -> bool:  # noqa: ARG002
        return True

    def is_fit(self, claims: Json) -> bool:
        return super().is_fit({**claims, "flow": "kyc-person"})


class _CutsWhatIsTooLong(ReferenceHost):
    def claims(self, flow: str, case: str) -> Json:
        return super().claims(flow, "".join(filter(str.isalnum, case.replace("CONF-", "CONF")))[:64] or "C")


class _MakesOneEntryForEachLaunch(ReferenceHost):
    def claims(self, flow: str, case: str) -> Json:
        return {**super().claims(flow, case), "entry": new_message_id()}


class _SendsAnotherCustomer(ReferenceHost):
    def claims(self, flow: str, case: str) -> Json:
        claims = super().claims(flow, case)
        return {**claims, "actor": {**claims["actor"], "id": f"C{new_message_id()[-8:].upper()}"}}


class _StatesOtherFactsEachTime(ReferenceHost):
    def claims(self, flow: str, case: str) -> Json:
        claims = super().claims(flow, case)
        stamp = str(datetime.now(UTC).timestamp())
        return claims if flow != "kyc-person" else {**claims, "facts": {"kycApplication.branch": f"网点{stamp}"}}


class _NumbersEntriesByMobile(ReferenceHost):
    def claims(self, flow: str, case: str) -> Json:
        return {**super().claims(flow, case), "entry": "E-13800001111"}


MUTANTS = (
    mutant_host("signs by a key that nobody registered", "LCH-001", _SignsByAKeyThatNobodyKnows, _NOTHING_KNOWN),
    mutant_host("signs by another key of the same name", "LCH-001", _BorrowsTheNameOfTheKey, _NOTHING_KNOWN),
    mutant_host("signs nothing", "LCH-001", _SignsNothing, _NOTHING_KNOWN),
    mutant_host("changes what it signed", "LCH-001", _ChangesWhatItSigned, _NOTHING_KNOWN),
    mutant_host("keeps a launch for each case", "LCH-004", _KeepsALaunchForEachCase),
    mutant_host("has one id for many launches", "LCH-004", _CountsIdsByTheSecond),
    mutant_host("opens the address itself", "LCH-004", _OpensTheAddressItself),
    mutant_host("puts the name into the address", "LCH-009", _PutsTheNameIntoTheAddress),
    mutant_host("puts the name behind the address", "LCH-009", _PutsTheNameBehindTheAddress),
    mutant_host("leads to another path", "LCH-009", _LeadsElsewhere),
    mutant_host("leads to another host", "LCH-009", _LeadsToAnotherHost),
    mutant_host("numbers entries by mobile", "LCH-009", _NumbersEntriesByMobile),
    mutant_host("signs whatever it is asked", "LCH-006", _SignsWhateverItIsAsked),
    mutant_host("launches flows that there are not", "LCH-006", _LaunchesFlowsThatThereAreNot),
    mutant_host("cuts cases until they fit", "LCH-006", _CutsWhatIsTooLong),
    mutant_host("makes an entry for each launch", "LCH-010", _MakesOneEntryForEachLaunch),
    mutant_host("sends another customer to what was begun", "LCH-010", _SendsAnotherCustomer),
    mutant_host("states other facts each time", "LCH-010", _StatesOtherFactsEachTime),
)
