# ruff: noqa: D103 -- the names say it
"""What is handed over: an address with a token, signed by the partner, for one gateway, used by nobody yet."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, urlsplit

from xinqiao.finding import Text
from xinqiao_conformance.benches.h5 import H5Bench, Launched
from xinqiao_conformance.benches.subject import new_case
from xinqiao_conformance.cases.h5 import case
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.personal import personal_in

# As many launches are asked for at once where ids could be the same.
_MANY = 20
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@case("LCH-001")
def every_launch_is_signed_by_the_registered_key(bench: H5Bench) -> None:
    for each in bench.launches.values():
        signed = bench.launch(each.asked["flow"])
        signed.require(signed.claims, "以登记的密钥签名的启动令牌", "a launch signed by the registered key")


@case("LCH-002")
def a_launch_is_for_this_gateway_and_channel(bench: H5Bench) -> None:
    for each in bench.launches.values():
        said = each.claims.get("aud")
        each.require(said == bench.audience, f"aud 为 {bench.audience}", f"aud is {bench.audience}", claim="aud")


@case("LCH-004")
def the_id_of_a_launch_is_a_uuid_of_version_7(bench: H5Bench) -> None:
    for each in bench.launches.values():
        jti = str(each.claims.get("jti", ""))
        each.require(
            _ID.fullmatch(jti), "jti 为小写的 UUID 第 7 版", "jti is a UUID version 7 in lower case", claim="jti"
        )


@case("LCH-004", negative=True)
def asked_for_the_same_again_the_host_gives_out_another_launch(bench: H5Bench) -> None:
    asked = new_case()
    first, again = bench.launch(bench.first, asked), bench.launch(bench.first, asked)
    again.require(
        again.token and again.token != first.token and again.claims.get("jti") != first.claims.get("jti"),
        "新的令牌和编号",
        "a new token with a new id",
        Text("令牌只能使用一次，每次请求均须重新签发", "a token works once: sign one for each request"),
        claim="jti",
    )


@case("LCH-004", negative=True)
def many_launches_in_a_moment_have_ids_of_their_own(bench: H5Bench) -> None:
    many = [bench.launch(bench.first) for _ in range(_MANY)]
    ids = {each.claims.get("jti") for each in many}
    many[-1].require(len(ids) == _MANY, f"{_MANY} 个不同的编号", f"{_MANY} different ids", claim="jti")


@case("LCH-004", negative=True)
def when_a_launch_was_used_the_next_is_another(bench: H5Bench) -> None:
    asked = new_case()
    used = bench.launch(bench.first, asked)
    bench.use(used)
    again = bench.launch(bench.first, asked)
    again.require(
        again.token and again.claims.get("jti") != used.claims.get("jti"),
        "未使用过的令牌和编号",
        "a token whose id was not used before",
        claim="jti",
    )


@case("LCH-004", negative=True)
def a_launch_is_unused_when_it_is_handed_over(bench: H5Bench) -> None:
    for each in bench.launches.values():
        each.require(
            not bench.pages.was_used(each.token),
            "令牌未被使用",
            "a token that nobody has used",
            Text(
                "不要自行打开启动地址：令牌留给使用者", "do not open the address yourselves: the token is for who comes"
            ),
        )


@case("LCH-009")
def the_address_is_that_of_the_channel_and_holds_the_token_alone(bench: H5Bench) -> None:
    for each in bench.launches.values():
        parts = urlsplit(each.url)
        own = f"{parts.scheme}://{parts.netloc}{parts.path}" == bench.address
        each.require(own, f"启动地址 {bench.address}", f"the address {bench.address}")
        bare = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)] == ["token"] and not parts.fragment
        each.require(
            bare,
            "地址中除 token 外别无内容",
            "nothing in the address beside the token",
            Text(
                "地址会进入日志，陈述的内容应放在令牌中",
                "addresses end up in logs: what is stated belongs into the token",
            ),
        )


@case("LCH-009", negative=True)
def neither_case_nor_entry_tells_who_somebody_is(bench: H5Bench) -> None:
    for each in bench.launches.values():
        own = " ".join(str(each.claims.get(name, "")) for name in ("case", "entry")).replace(each.asked["case"], "")
        found = personal_in(own)
        told = found or Text("", "")
        each.require(not found, f"case 和 entry 中没有{told.zh}", f"case and entry without {told.en}", claim="entry")


@case("LCH-010", negative=True)
def who_comes_again_finds_what_was_begun(bench: H5Bench) -> None:
    for flow in bench.launches:
        asked = new_case()
        first, again = bench.launch(flow, asked), bench.launch(flow, asked)
        for name in ("flow", "case", "entry", "actor", "facts"):
            same = first.claims.get(name) == again.claims.get(name)
            again.require(same, f"{name} 与上次相同", f"the same {name} as before", _AS_BEFORE, claim=name)


_AS_BEFORE = Text("为继续而重新启动时沿用原来的内容", "launch somebody who goes on with what was stated before")


@case("LCH-010", negative=True)
def another_case_is_another_piece_of_business(bench: H5Bench) -> None:
    first, other = bench.launch(bench.first), bench.launch(bench.first)
    pair = [(each.claims.get("case"), each.claims.get("entry")) for each in (first, other)]
    other.require(pair[0] != pair[1], "另一业务编号或笔次", "another case or entry", claim="case")


def _unfit_cases(_kit: Kit) -> Iterator[tuple[str, str]]:
    yield "blank", "CASE 1"
    yield "line_break", "CASE-1\nCASE-2"
    yield "longer_than_64", "C" * 65
    yield "chinese_characters", "业务一"
    yield "full_width_digits", "CASE-１"
    yield "markup", "<script>alert(1)</script>"
    yield "json_that_adds_claims", 'C","actor":{"role":"RELATIONSHIP_MANAGER","id":"R1"},"x":"'
    yield "query_that_adds_a_token", "C&token=x"
    yield "hash", "C#x"
    yield "quote", "C'1"
    yield "tab", "C\t1"
    yield "backslash", "C\\1"
    yield "percent", "C%2F1"
    yield "control_character", "C\x00"
    yield "turned_text", "C\u202e1"


@case("LCH-006", negative=True, over=_unfit_cases)
def no_launch_is_signed_for_a_case_of_another_form(bench: H5Bench, unfit: str) -> None:
    _require_none(bench.launch(bench.first, unfit))


def _unfit_flows(_kit: Kit) -> Iterator[tuple[str, str]]:
    yield "unknown", "kyc-of-dragons"
    yield "capitals", "KYC-PERSON"
    yield "path", "../kyc-person"
    yield "quoted", quote("kyc-person/..", safe="")
    yield "with_a_claim", 'kyc-person","case":"X'
    yield "blank", "kyc-person "


@case("LCH-006", negative=True, over=_unfit_flows)
def no_launch_is_signed_for_a_flow_that_there_is_not(bench: H5Bench, unfit: str) -> None:
    _ = bench.launches
    _require_none(bench.launch(unfit))


def _require_none(launched: Launched) -> None:
    launched.require(
        not launched.url and 400 <= launched.status < 500,
        "拒绝（4xx），不签发启动令牌",
        "a refusal (4xx), and no launch",
        Text("签发前按标准核对格式", "compare what you sign with the form that the standard gives it"),
    )
