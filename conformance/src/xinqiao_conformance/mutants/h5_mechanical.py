"""H5 hosts that break one requirement each, made from the claims of a launch: each left out, or wrong."""

from collections.abc import Callable, Iterator

from xinqiao.message import Json
from xinqiao_conformance.mutants.hosts import mutant_host
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.references.h5 import ReferenceHost

__all__ = ["MUTANTS"]

_RESIDENT = "11010119900307803X"
# The requirement that says something of each claim.
_REQUIREMENTS = {
    "aud": "LCH-002",
    "jti": "LCH-004",
    "iat": "LCH-003",
    "exp": "LCH-003",
    "actor": "LCH-005",
    "flow": "LCH-006",
    "case": "LCH-006",
    "entry": "LCH-006",
    "locale": "LCH-006",
    "facts": "LCH-007",
    "origin": "LCH-008",
    "return": "LCH-008",
}
# Claims that a launch may go without.
_OPTIONAL = frozenset({"entry", "locale", "return"})

# What is wrong of a claim, and what it is then, by what it was.
_WRONG: dict[str, dict[str, Callable[[Json], object]]] = {
    "aud": {
        "of another channel": lambda said: said["aud"] + "-2",
        "of another gateway": lambda _: "91110000100000000R/conformance",
        "of the gateway alone": lambda said: said["aud"].partition("/")[0],
        "of several": lambda said: [said["aud"], "91110000100000000R/conformance"],
    },
    "jti": {
        "of version 4": lambda said: said["jti"][:14] + "4" + said["jti"][15:],
        "in capitals": lambda said: said["jti"].upper(),
        "a number": lambda said: int(said["jti"][:8], 16),
    },
    "iat": {
        "in milliseconds": lambda said: said["iat"] * 1000,
        "text": lambda said: str(said["iat"]),
        "of an hour ago": lambda said: said["iat"] - 3600,
        "of Beijing's clock": lambda said: said["iat"] + 8 * 3600,
        "with a fraction": lambda said: said["iat"] + 0.5,
    },
    "exp": {
        "eleven minutes later": lambda said: said["iat"] + 660,
        "a day later": lambda said: said["iat"] + 86_400,
        "the time of issue": lambda said: said["iat"],
        "text": lambda said: str(said["exp"]),
    },
    "actor": {
        "of no known role": lambda said: {**said["actor"], "role": "MANAGER"},
        "of a role that the flow is not for": lambda said: {**said["actor"], "role": "INSTITUTION_OPERATOR"},
        "a name": lambda said: {**said["actor"], "id": "王小明"},
        "the number of a document": lambda said: {**said["actor"], "id": _RESIDENT},
        "a mobile number": lambda said: {**said["actor"], "id": "13800001111"},
        "the number of a card": lambda said: {**said["actor"], "id": "6222020200112233445"},
        "without an id": lambda said: {"role": said["actor"]["role"]},
        "longer than 60 characters": lambda said: {**said["actor"], "id": "C" * 61},
    },
    "flow": {"another": lambda said: "statement" if said["flow"] != "statement" else "disclosure"},
    "case": {"another": lambda said: said["case"][:-1] + ("0" if said["case"][-1] != "0" else "1")},
    "entry": {"longer than 64 characters": lambda _: "E" * 65, "with a blank": lambda _: "E 1", "empty": lambda _: ""},
    "locale": {"of another form": lambda _: "zh_CN", "another language": lambda _: "fr"},
    "facts": {
        "by a path of no field": lambda _: {"kycApplication.nickname": "小明", "signatureEvidence.partyId": "P1"},
        "by a path without its message": lambda said: {
            name.partition(".")[2]: value for name, value in said["facts"].items()
        },
        "a number for text": lambda said: dict.fromkeys(said["facts"], 1),
        "an object": lambda said: {**said["facts"], "kycApplication.applicant": {"name": "王小明"}},
        "more than 50": lambda said: {**said["facts"], **{f"kycApplication.x{number}": "1" for number in range(51)}},
        "a value of another form": lambda said: dict.fromkeys(said["facts"], "\x07"),
    },
    "origin": {
        "by http": lambda _: "http://app.my-bank.example",
        "with a path": lambda _: "https://app.my-bank.example/kyc",
        "any": lambda _: "*",
        "with a user": lambda _: "https://me@app.my-bank.example",
    },
    "return": {"by http": lambda _: "http://app.my-bank.example/done", "a script": lambda _: "javascript:alert(1)"},
}


def _kind(change: Callable[[Json], Json]) -> type[ReferenceHost]:
    class Changed(ReferenceHost):
        def token(self, claims: Json) -> str:
            return super().token(change(claims))

    return Changed


def _without(name: str) -> Callable[[Json], Json]:
    return lambda claims: {each: value for each, value in claims.items() if each != name}


def _with(name: str, wrong: Callable[[Json], object]) -> Callable[[Json], Json]:
    return lambda claims: {**claims, name: wrong(claims)}


def _mutants() -> Iterator[Mutant]:
    for name, requirement in _REQUIREMENTS.items():
        if name not in _OPTIONAL:
            also = {"LCH-010"} if name == "case" else ()
            yield mutant_host(f"leaves out {name}", requirement, _kind(_without(name)), also, mechanical=True)
        for what, wrong in _WRONG[name].items():
            yield mutant_host(f"states {name}: {what}", requirement, _kind(_with(name, wrong)), mechanical=True)


MUTANTS = tuple(_mutants())
