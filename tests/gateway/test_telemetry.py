"""What is seen of a gateway from outside: metrics, traces, logs; and that no personal data is among it."""

import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel, ValidationError

from tests.gateway.conftest import BANK, TRUST, Site, message
from tests.gateway.delivery.partner import Partner, running, takes
from xinqiao.message import Json, message_type, new_message_id, write_json
from xinqiao.standard import field_at, message_types
from xinqiao.testing import example, patched, rule_vectors, vectors
from xinqiao_gateway.journal.vault import Vault
from xinqiao_gateway.policy import NO_PAST, Policy
from xinqiao_gateway.telemetry import logs, traces
from xinqiao_gateway.telemetry.metrics import Metrics, described
from xinqiao_gateway.telemetry.observer import NOBODY, Taken
from xinqiao_gateway.telemetry.standing import Standing

DOCS = Path(__file__).parents[2] / "docs"


def metrics(site: Site) -> dict[str, float]:
    """Return the samples of /metrics by name and labels."""
    token = (site.data / "admin.token").read_text()
    text = site.http.get("/metrics", headers={"Authorization": f"Bearer {token}"}).text
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def reload(site: Site) -> None:
    token = (site.data / "admin.token").read_text()
    site.http.post("/v1/reload", headers={"Authorization": f"Bearer {token}"}).raise_for_status()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    logs.configure(stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def core(site: Site) -> Iterator[Partner]:
    """Let the core be pushed to."""
    with running(takes) as partner:
        push_to(site, partner.url)
        yield partner


def push_to(site: Site, url: str) -> None:
    path = site.data / "channels" / "core" / "channel.yaml"
    path.write_text(path.read_text() + f"push: {{url: {url}}}\n")
    reload(site)


def wait_for(site: Site, sample: str, least: float = 1.0) -> dict[str, float]:
    ended = threading.Event()
    for _ in range(600):
        found = metrics(site)
        if found.get(sample, 0.0) >= least:
            return found
        ended.wait(0.02)
    raise AssertionError(f"{sample} never came to {least}")


def test_messages_are_counted_by_what_became_of_them(site: Site) -> None:
    kyc = message("kycApplication")
    site.send("partner", kyc)
    site.send("partner", kyc)
    site.send("partner", {**kyc, "header": {**kyc["header"], "messageId": new_message_id(), "sender": TRUST}})
    site.post("partner", b"{", signature="nonsense")
    found = metrics(site)

    def counted(kind: str, outcome: str, reason: str = "") -> float:
        labels = f'channel="partner",outcome="{outcome}",reason="{reason}",type="{kind}"'
        return found[f"xinqiao_messages_total{{{labels}}}"]

    assert counted("kycApplication", "accepted") == 1
    assert counted("kycApplication", "repeated") == 1
    assert counted("kycApplication", "refused", "sender_mismatch") == 1
    assert counted("unknown", "refused", "signature_invalid") == 1
    assert found['xinqiao_acceptance_seconds_count{channel="partner"}'] == 4
    assert found["xinqiao_commit_messages_sum"] == 2
    assert found["xinqiao_journal_available"] == 1
    assert found['xinqiao_policy_verdicts_total{verdict="pass"}'] == 1


def test_every_verdict_is_counted_whether_a_rule_was_asked_or_not(tmp_path: Path) -> None:
    limit = {"path": "grossAmount", "above": "1000.00", "currency": "CNY"}
    rule = {"id": "a", "title": {"zh": "规则", "en": "Rule"}, "verdict": "approve", "for": ["subscriptionOrder"]}
    (tmp_path / "policy.yaml").write_text(json.dumps({"rules": [rule | {"when": [limit]}]}))
    counted = Metrics()
    digest = Vault(bytes(32)).keyed_digest
    policy = Policy.load(tmp_path / "policy.yaml", tmp_path / "watch-lists", digest, counted)
    for value in ("1000.00", "1000.01"):
        order = example("subscriptionOrder")
        order["subscriptionOrder"]["grossAmount"] = {"value": value, "currency": "CNY"}
        policy.judge(order, message_type(order), "bank", 0.0, NO_PAST)
    kyc = example("kycApplication")
    policy.judge(kyc, message_type(kyc), "bank", 0.0, NO_PAST)
    shown = counted.exposition().decode()
    assert 'xinqiao_policy_verdicts_total{verdict="approve"} 1.0' in shown
    assert 'xinqiao_policy_verdicts_total{verdict="pass"} 2.0' in shown


def test_deliveries_attempts_and_breakers_are_shown(site: Site, core: Partner) -> None:
    site.send("partner", message("kycApplication"))
    found = wait_for(site, 'xinqiao_deliveries_total{channel="core",state="delivered"}')
    assert found['xinqiao_attempts_total{channel="core",outcome="delivered"}'] == 1
    assert found['xinqiao_breaker_state{channel="core"}'] == 0
    assert len(core.got) == 1


def test_what_waits_is_shown_with_its_age(site: Site) -> None:
    site.send("partner", message("kycApplication"))
    found = metrics(site)
    assert found['xinqiao_backlog_deliveries{channel="core",state="waiting"}'] == 1
    assert found['xinqiao_oldest_waiting_seconds{channel="core"}'] >= 0
    assert found["xinqiao_nodes_alive"] <= 1
    assert found["xinqiao_overdue_obligations"] == 0


def test_metrics_want_the_admin_token(site: Site) -> None:
    assert site.http.get("/metrics").status_code == 401


def test_a_name_that_anybody_may_invent_is_no_label(site: Site) -> None:
    site.post("no-such-channel", write_json(message("kycApplication")))
    assert not [name for name in metrics(site) if "no-such-channel" in name]


def test_figures_that_cannot_be_had_are_not_shown() -> None:
    shown = Metrics(lambda: Standing(now=1.0)).exposition().decode()
    assert "xinqiao_journal_available 0.0" in shown
    assert "\nxinqiao_nodes_alive " not in shown


def test_two_gateways_in_one_process_count_by_themselves() -> None:
    first, second = Metrics(), Metrics()
    first.took("a", [Taken("kycApplication", "accepted")], 0.1)
    assert b'channel="a"' not in second.exposition()


def test_who_looks_away_is_told_everything() -> None:
    NOBODY.took("a", (), 0.1)
    NOBODY.committed(1, 0.1)
    NOBODY.judged("pass")
    NOBODY.attempted("a", "delivered", 0.1)
    NOBODY.settled("a", "delivered")


@pytest.mark.parametrize("page", ["monitoring.md", "monitoring.zh-CN.md"])
def test_the_page_has_every_metric_and_no_other(page: str) -> None:
    rows = [line for line in (DOCS / page).read_text(encoding="utf-8").splitlines() if line.startswith("| `xinqiao_")]
    listed = [tuple(cell.strip().strip("`") for cell in row.strip("|").split("|")[:3]) for row in rows]
    assert listed == [(name, kind, ", ".join(labels) or "–") for name, kind, labels, _ in described()]


# --- traces --------------------------------------------------------------------------------------------------


@dataclass
class Listening:
    """A partner that takes everything and remembers which traces it was told of."""

    url: str
    traceparents: list[str | None]


@pytest.fixture
def listening() -> Iterator[Listening]:
    found = Listening("", [])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.traceparents.append(self.headers["traceparent"])
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self.wfile.write(b"".join(takes(json.loads(content))))
            self.close_connection = True

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join(10)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter


def test_without_an_sdk_nothing_is_traced() -> None:
    assert not traces.is_traced()
    with traces.span("x") as found:
        assert found is None
    assert traces.handed_on({"A": "b"}) == {"A": "b"}


def test_a_provider_that_is_configured_after_the_first_span_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with traces.span("x") as before:
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", TracerProvider())
    with traces.span("x") as after:
        assert traces.is_traced()
    assert before is None
    assert after is not None


def test_the_provider_that_the_environment_names_is_configured() -> None:
    asked = "from xinqiao_gateway.telemetry import traces; print(traces.is_traced())"
    environment = {**os.environ, "OTEL_PYTHON_TRACER_PROVIDER": "sdk_tracer_provider"}
    said = subprocess.run([sys.executable, "-c", asked], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == "True\n"


def test_a_message_is_traced_from_its_request_to_its_delivery(
    site: Site, spans: InMemorySpanExporter, listening: Listening
) -> None:
    push_to(site, listening.url)
    kyc = message("kycApplication")
    content, given = write_json(kyc), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    site.http.headers["traceparent"] = given
    site.post("partner", content)
    wait_for(site, 'xinqiao_deliveries_total{channel="core",state="delivered"}')
    by_name = {each.name: each for each in spans.get_finished_spans()}
    assert set(by_name) == {"intake.accept", "journal.commit", "delivery.attempt"}
    accept, attempt = by_name["intake.accept"], by_name["delivery.attempt"]
    assert f"{accept.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    number = kyc["header"]["messageId"]
    assert dict(accept.attributes or {}) == {
        "xinqiao.channel": "partner",
        "xinqiao.message_ids": (number,),
        "xinqiao.positions": ("1",),
    }
    about = dict(attempt.attributes or {})
    assert (about["xinqiao.message_id"], about["xinqiao.outcome"]) == (number, "delivered")
    (told,) = listening.traceparents
    assert told is not None
    assert told.startswith(f"00-{attempt.context.trace_id:032x}-{attempt.context.span_id:016x}-")


# --- logs ----------------------------------------------------------------------------------------------------


class Model(BaseModel):
    number: int


def test_an_exception_is_logged_by_its_classes_and_places_without_its_text(logged: io.StringIO) -> None:
    try:
        try:
            Model.model_validate({"number": "11010119900307007X"})
        except ValidationError as error:
            raise RuntimeError("张三 failed") from error
    except RuntimeError:
        structlog.get_logger("x").exception("it failed")
        logging.getLogger("y").exception("it failed, too")
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [each["event"] for each in lines] == ["it failed", "it failed, too"]
    for each in lines:
        types = [part["type"] for part in each["exception"]]
        assert types == ["builtins.RuntimeError", "pydantic_core._pydantic_core.ValidationError"]
    assert "11010119900307007X" not in logged.getvalue()
    assert "张三" not in logged.getvalue()


def sensitive(content: Json, body: str) -> set[str]:
    """Return the C2 and C3 texts of a message that are long enough to be told from others."""
    found: set[str] = set()

    def visit(value: object, path: str) -> None:
        if isinstance(value, dict):
            for name, part in value.items():
                visit(part, f"{path}.{name}" if path else name)
        elif isinstance(value, list):
            for part in value:
                visit(part, path)
        elif isinstance(value, str) and len(value) >= 6:
            field = field_at(body, path)
            if (field.sensitivity if field else "C2") != "C1":
                found.add(value)

    visit(content, "")
    return found


def test_no_example_accepted_or_rejected_leaves_a_value_in_logs_or_metrics(site: Site, logged: io.StringIO) -> None:
    secrets: set[str] = set()
    outcomes = set()
    for content in every_example():
        body = next((name for name in content if name in message_types()), None)
        if body is None:
            continue
        header = content.get("header")
        if isinstance(header, dict):
            content["header"] = {**header, "sender": BANK, "receiver": TRUST}
        secrets |= sensitive(content, body)
        outcomes.add(site.send("partner", content).status_code)
    token = (site.data / "admin.token").read_text()
    shown = site.http.get("/metrics", headers={"Authorization": f"Bearer {token}"}).text
    assert {202, 422} <= outcomes
    assert len(secrets) > 100
    told = f"{logged.getvalue()} {shown}"
    assert [each for each in sorted(secrets) if stands_in(each, told)] == []


def stands_in(secret: str, text: str) -> bool:
    """Say whether a text holds a value; digits not within a longer number: a duration or a moment may hold any six."""
    if not secret.isdecimal():
        return secret in text
    return re.search(rf"(?<![\d.]){secret}(?!\d)", text) is not None


@pytest.mark.parametrize(
    ("secret", "text", "stands"),
    [
        ("11010119900307007X", "no11010119900307007X9", True),
        ("a@b.cn", "xa@b.cn1", True),
        ("1.25 %", "11.25 %", True),
        ("123456", "at 123456.", True),
        ("123456", "0.123456 s, 1234567, 9123456", False),
    ],
)
def test_a_value_is_looked_for_anywhere_and_digits_alone_as_a_number(secret: str, text: str, stands: bool) -> None:
    assert stands_in(secret, text) is stands


def every_example() -> Iterator[Json]:
    """Every published example, and every breach of a rule in it."""
    for body in message_types():
        yield from (each["message"] | {"header": example(body)["header"]} for each in vectors(body))
    for each in rule_vectors().values():
        for broken in each["broken"]:
            yield patched(example(each["base"]), broken["patch"])


def test_counting_a_message_binds_its_labels_once() -> None:
    found = Metrics()
    taken = Taken("kycApplication", "accepted")
    found.took("a", [taken] * 1000, 0.1)
    found.took("a", [taken], 0.1)
    line = 'xinqiao_messages_total{channel="a",outcome="accepted",reason="",type="kycApplication"} 1001.0'
    assert line in found.exposition().decode()
