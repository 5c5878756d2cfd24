# ruff: noqa: D103 -- the names say it
"""What a launch states: each claim is judged by itself, so that one that is wrong breaks one requirement."""

from collections.abc import Iterable

from xinqiao.errors import MalformedRequest
from xinqiao.finding import Text, errors_in
from xinqiao.launch import read_launch
from xinqiao.message import Json
from xinqiao.standard import field_at
from xinqiao.validation import check
from xinqiao_conformance.benches.flows import Flow
from xinqiao_conformance.benches.h5 import H5Bench, Launched
from xinqiao_conformance.cases.h5 import case
from xinqiao_conformance.personal import personal_in

# A launch in which nothing is wrong; one claim at a time takes the place of its own.
_RIGHT = {"flow": "kyc-person", "case": "CASE-1", "actor": {"role": "CUSTOMER", "id": "C1"}}
_TYPES = {"string": str, "integer": int, "boolean": bool}
_LONGEST_LIFE = 600
# Seconds that two clocks may differ by.
_LEEWAY = 60
_OWN_ID = Text("写机构内部的人员编号", "state the id that you yourselves gave the person")


def _require_form(launched: Launched, *names: str) -> None:
    for name in names:
        said = {**_RIGHT, **({name: launched.claims[name]} if name in launched.claims else {})}
        try:
            read_launch(said)
        except MalformedRequest as error:
            launched.require(False, f"{name} 合乎格式", f"{name} of its form: {error.detail}"[:400], claim=name)


@case("LCH-003")
def a_launch_lives_for_ten_minutes_at_most(bench: H5Bench) -> None:
    for each in bench.launches.values():
        issued, expires = each.claims.get("iat"), each.claims.get("exp")
        each.require(type(issued) is int, "iat 为整秒", "iat in whole seconds", claim="iat")
        each.require(type(expires) is int, "exp 为整秒", "exp in whole seconds", claim="exp")
        life = int(expires or 0) - int(issued or 0)
        lives = 0 < life <= _LONGEST_LIFE
        each.require(
            lives, f"exp 晚于 iat，至多 {_LONGEST_LIFE} 秒", f"exp after iat by at most {_LONGEST_LIFE} s", claim="exp"
        )


@case("LCH-003")
def a_launch_is_made_when_it_is_asked_for(bench: H5Bench) -> None:
    for each in bench.launches.values():
        issued = each.claims.get("iat")
        made_now = isinstance(issued, int) and abs(issued - each.at) <= _LEEWAY
        each.require(made_now, "iat 为请求之时", "iat is the time of the request", _CLOCK, claim="iat")


_CLOCK = Text("每次请求即时签发，并校准时钟", "sign a launch for each request, and set the clock right")


@case("LCH-005")
def the_actor_is_of_a_role_that_the_flow_is_for(bench: H5Bench) -> None:
    for flow, each in bench.launches.items():
        roles = bench.flows[flow].roles
        role = _actor(each).get("role")
        each.require(
            role in roles, f"{flow} 的角色为 {'、'.join(roles)} 之一", f"{flow} for {', '.join(roles)}", claim="actor"
        )


@case("LCH-005")
def the_actor_has_an_id_of_the_form_that_ids_have(bench: H5Bench) -> None:
    for each in bench.launches.values():
        identity = _actor(each).get("id")
        try:
            read_launch({**_RIGHT, "actor": {"role": "CUSTOMER", "id": identity}})
        except MalformedRequest as error:
            each.require(
                False, "actor.id 合乎格式，不是姓名", f"an id and no name: {error.detail}", _OWN_ID, claim="actor"
            )


@case("LCH-005")
def the_actor_is_not_named_by_personal_data(bench: H5Bench) -> None:
    for each in bench.launches.values():
        found = personal_in(str(_actor(each).get("id", "")))
        told = found or Text("", "")
        each.require(not found, f"actor.id 不是{told.zh}", f"an id that is not {told.en}", _OWN_ID, claim="actor")


def _actor(launched: Launched) -> Json:
    actor = launched.claims.get("actor")
    return actor if isinstance(actor, dict) else {}


@case("LCH-006")
def flow_and_case_are_those_that_were_asked_for(bench: H5Bench) -> None:
    for each in bench.launches.values():
        for name in ("flow", "case"):
            same = each.claims.get(name) == each.asked[name]
            each.require(same, f"{name} 为 {each.asked[name]}", f"{name} is {each.asked[name]}", claim=name)


@case("LCH-006")
def entry_and_locale_have_their_form(bench: H5Bench) -> None:
    for each in bench.launches.values():
        _require_form(each, "entry", "locale")


@case("LCH-007")
def facts_are_values_of_the_message_of_the_flow(bench: H5Bench) -> None:
    for flow, each in bench.launches.items():
        _require_form(each, "facts")
        facts = each.claims.get("facts", {})
        unknown = [path for path, value in facts.items() if not _is_field(bench.flows[flow], path, value)]
        en = f"facts are values of {bench.flows[flow].body or 'no message'}, by their canonical paths"
        each.require(not unknown, f"facts 以标准字段路径陈述 {bench.flows[flow].body} 的值", en, claim="facts")


@case("LCH-007")
def facts_are_valid_by_the_standard(bench: H5Bench) -> None:
    for flow, each in bench.launches.items():
        body, facts = bench.flows[flow].body, each.claims.get("facts")
        if body and isinstance(facts, dict):
            wrong = sorted(_wrong(body, facts))
            each.require(not wrong, f"合法的值：{'、'.join(wrong)}", f"valid values: {', '.join(wrong)}", claim="facts")


@case("LCH-007")
def facts_that_a_flow_needs_are_stated(bench: H5Bench) -> None:
    for flow, each in bench.launches.items():
        facts = each.claims.get("facts")
        missing = [path for path in bench.flows[flow].needed if not isinstance(facts, dict) or path not in facts]
        each.require(not missing, f"写明 {'、'.join(missing)}", f"the facts {', '.join(missing)}", claim="facts")


def _is_field(flow: Flow, path: str, value: object) -> bool:
    field = field_at(flow.body, path) if flow.body and path.startswith(f"{flow.body}.") else None
    kind = field.schema.get("type", "object") if field else ""
    return type(value) is _TYPES.get(kind)


def _wrong(body: str, facts: Json) -> Iterable[str]:
    """Yield the paths of facts that break the form of their fields; what else the message needs is not there yet."""
    message: Json = {"header": {}, body: {}}
    for path, value in facts.items():
        place = message
        *parents, last = path.split(".")
        # A path of no field of the message is the matter of another case.
        if parents[:1] != [body] or any("[" in name for name in (*parents, last)):
            continue
        for name in parents:
            below = place.setdefault(name, {})
            place = below if isinstance(below, dict) else {}
        place[last] = value
    return {each.path for each in errors_in(check(message)) if each.path in facts}


@case("LCH-008")
def the_embedding_page_is_named_by_its_https_origin(bench: H5Bench) -> None:
    for each in bench.launches.values():
        _require_form(each, "origin")


@case("LCH-008")
def the_address_to_return_to_is_https(bench: H5Bench) -> None:
    for each in bench.launches.values():
        _require_form(each, "return")


@case("LCH-008", needs={"embedding"})
def a_launch_that_is_embedded_names_the_embedding_page(bench: H5Bench) -> None:
    fix = Text(
        "在 origin 中写明嵌入页面的来源；没有它，浏览器不显示页面", "state it as origin; without, browsers show no page"
    )
    for each in bench.launches.values():
        each.require(
            each.claims.get("origin"), "origin 写明嵌入页面的来源", "the embedding page as origin", fix, claim="origin"
        )
