"""Who knows nothing of our code: a reflection client with Google's messages, health checks, TLS as others speak it."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.protobuf import descriptor_pool, message_factory  # type: ignore[import-untyped]
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.gateway.conftest import message
from tests.gateway.grpc_site import GrpcSite, installed, serving, trailer
from xinqiao.cli import main
from xinqiao.client import Client, Tls
from xinqiao.errors import DestinationDown, SettingsInvalid
from xinqiao.message import read_json, write_json
from xinqiao.seal import new_key, seal, write_key
from xinqiao_gateway.fronts.grpc.front import GrpcFront
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import open_installation

SERVICE = "xinqiao.exchange.v1.Exchange"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[GrpcSite]:
    async with serving(*installed(tmp_path)) as found:
        yield found


class Stranger:
    """A client as ``grpcurl`` is one: it asks the server what there is, and makes messages of that."""

    def __init__(self, target: str) -> None:
        self.channel = grpc.insecure_channel(target)
        self.reflection = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool: Any = descriptor_pool.DescriptorPool(self.reflection)

    def call(self, service: str, method: str, **given: Any) -> Any:
        found = self.pool.FindServiceByName(service).FindMethodByName(method)
        request, reply = (message_factory.GetMessageClass(each) for each in (found.input_type, found.output_type))
        unary = self.channel.unary_unary(f"/{service}/{method}", request.SerializeToString, reply.FromString)
        return unary(request(**given), timeout=10)

    def read(self, name: str, content: bytes) -> Any:
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name)).FromString(content)


async def test_a_client_that_knows_only_reflection_lists_the_services_and_submits(site: GrpcSite) -> None:
    sent = message("kycApplication")
    content = write_json(sent)
    signature = seal(content, "application/json", site.key).signature

    def run() -> tuple[Any, Any]:
        stranger = Stranger(site.target)
        with stranger.channel:
            given = {"channel_id": "partner", "content": content, "content_type": "application/json"}
            reply = stranger.call(SERVICE, "Submit", **given, signature=signature, tag="from-outside")
            return stranger.reflection.get_services(), reply

    services, reply = await asyncio.to_thread(run)
    assert set(services) == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    assert (reply.tag, reply.http_status) == ("from-outside", 202)
    assert read_json(reply.content)["receipt"]["acceptedMessageId"] == sent["header"]["messageId"]


async def test_it_reads_the_findings_of_a_refusal_too(site: GrpcSite) -> None:
    sent = message("kycApplication")
    del sent["kycApplication"]["applicationNo"]
    content = write_json(sent)
    signature = seal(content, "application/json", site.key).signature

    def run() -> tuple[grpc.StatusCode, Any]:
        stranger = Stranger(site.target)
        given = {"channel_id": "partner", "content": content, "content_type": "application/json"}
        with stranger.channel:
            try:
                stranger.call(SERVICE, "Submit", **given, signature=signature)
            except grpc.RpcError as error:
                found: Any = error
                status = stranger.read("xinqiao.exchange.v1.Status", trailer(found)["grpc-status-details-bin"])
                return found.code(), stranger.read("xinqiao.v1.Message", status.details[0].value)
        raise AssertionError

    code, said = await asyncio.to_thread(run)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert said.rejection.reason == "not_valid"
    assert [each.path for each in said.rejection.findings] == ["kycApplication.applicationNo"]


async def health(site: GrpcSite, service: str) -> str:
    async with site.channel() as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(service=service), timeout=5
        )
    name: str = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return name


async def within_ten_seconds(site: GrpcSite, service: str, expected: str) -> None:
    async with asyncio.timeout(10):
        while await health(site, service) != expected:
            await asyncio.sleep(0.05)


async def test_health_follows_readiness(site: GrpcSite) -> None:
    for service in ("", SERVICE):
        await within_ten_seconds(site, service, "SERVING")
    site.gateway.surveillance.draining = True
    for service in ("", SERVICE):
        await within_ten_seconds(site, service, "NOT_SERVING")


async def test_health_of_what_is_not_served_is_not_found(site: GrpcSite) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await health(site, "other")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


# --- TLS -------------------------------------------------------------------------------------------------------


class Authority:
    """Issues certificates for tests."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.ca = folder / f"{name}.pem"
        self.ca.write_bytes(self._certificate(name, self._key, is_authority=True))

    def issue(self, name: str) -> Tls:
        """Return the files of a certificate for this machine."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, private = (self._folder / f"{self._name}-{name}.{part}" for part in ("crt", "key"))
        certificate.write_bytes(self._certificate(name, key, is_authority=False))
        forms = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        private.write_bytes(key.private_bytes(*forms))
        return Tls(self.ca, certificate, private)

    def _certificate(self, name: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool) -> bytes:
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, self._name))
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        builder = builder.not_valid_after(datetime(2049, 1, 1, tzinfo=UTC))
        builder = builder.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        if not is_authority:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


def secured(folder: Path, authority: Authority, *, mutual: bool) -> Any:
    server = authority.issue("server")
    named = {"tls_certificate": str(server.certificate), "tls_key": str(server.key)}
    return serving(*installed(folder, **named, **({"grpc_client_ca": str(authority.ca)} if mutual else {})))


async def test_a_message_goes_over_tls_to_a_gateway_that_the_client_trusts(
    tmp_path: Path, authority: Authority
) -> None:
    async with secured(tmp_path, authority, mutual=False) as site:
        async with site.client(scheme="grpcs", tls=Tls(ca=authority.ca)) as client:
            assert "receipt" in await client.submit(message("kycApplication"))
        stranger = Authority(tmp_path, "stranger")
        async with site.client(scheme="grpcs", tls=Tls(ca=stranger.ca)) as client:
            with pytest.raises(DestinationDown):
                await client.submit(message("kycApplication"))


async def test_mutual_tls_lets_in_who_has_a_certificate_of_the_authority_and_nobody_else(
    tmp_path: Path, authority: Authority
) -> None:
    stranger = Authority(tmp_path, "stranger").issue("partner")
    others = [
        Tls(authority.ca),
        Tls(authority.ca, stranger.certificate, stranger.key),
    ]
    async with secured(tmp_path, authority, mutual=True) as site:
        async with site.client(scheme="grpcs", tls=authority.issue("partner")) as client:
            assert "receipt" in await client.submit(message("kycApplication"))
        for each in others:
            async with site.client(scheme="grpcs", tls=each) as client:
                with pytest.raises(DestinationDown):
                    await client.submit(message("kycApplication"))


async def test_the_command_sends_over_mutual_tls(tmp_path: Path, authority: Authority) -> None:
    own = authority.issue("partner")
    (tmp_path / "message.json").write_bytes(write_json(message("kycApplication")))
    async with secured(tmp_path, authority, mutual=True) as site:
        write_key(site.key, tmp_path / "key.jwk")
        send = ["send", str(tmp_path / "message.json"), "--channel", "partner", "--key", str(tmp_path / "key.jwk")]
        files = ["--ca", str(own.ca), "--cert", str(own.certificate), "--cert-key", str(own.key)]
        assert await asyncio.to_thread(main, [*send, "--url", f"grpcs://{site.target}", *files]) == 0
        assert await asyncio.to_thread(main, [*send, "--url", f"grpcs://{site.target}", *files[:4]]) == 2


async def test_plain_text_to_a_port_with_tls_is_refused(tmp_path: Path, authority: Authority) -> None:
    async with secured(tmp_path, authority, mutual=False) as site, site.client() as client:
        with pytest.raises(DestinationDown):
            await client.submit(message("kycApplication"))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_tls_is_not_downgraded_below_1_2(tmp_path: Path, authority: Authority) -> None:
    def speak(port: int, version: ssl.TLSVersion) -> str | None:
        context = ssl.create_default_context(cafile=authority.ca)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["h2"])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            try:
                with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                    return secure.version()
            except (ssl.SSLError, ConnectionError):
                return None

    versions = (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    async with secured(tmp_path, authority, mutual=False) as site:
        spoken = [await asyncio.to_thread(speak, site.port, each) for each in versions]
    assert spoken == [None, "TLSv1.2", "TLSv1.3"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"grpc_client_ca": "ca.pem"}, "set tls_certificate and tls_key"),
        ({"tls_certificate": "missing", "tls_key": "missing"}, "tls_key: missing"),
    ],
)
async def test_tls_files_that_cannot_be_used_end_the_start(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    data, _ = installed(tmp_path, **settings)
    await refused_start(data, said)


async def test_a_port_in_use_ends_the_start(site: GrpcSite, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    data, _ = installed(tmp_path / "other")
    (data / "gateway.yaml").write_text(f"grpc_port: {site.port}\n")
    await refused_start(data, f"cannot listen on 127.0.0.1:{site.port}")


async def refused_start(data: Path, said: str) -> None:
    gateway = Gateway(open_installation(data))
    front = GrpcFront(gateway)
    try:
        with pytest.raises(SettingsInvalid, match=said):
            await front.start()
    finally:
        await front.stop()
        await asyncio.to_thread(gateway.journal.close)


async def test_without_a_port_nothing_listens(tmp_path: Path) -> None:
    data, _ = installed(tmp_path)
    (data / "gateway.yaml").write_text("{}")
    gateway = Gateway(open_installation(data))
    front = GrpcFront(gateway)
    await front.start()
    await front.stop()
    await asyncio.to_thread(gateway.journal.close)


def test_a_client_with_tls_for_a_plain_address_or_files_that_are_missing_is_refused(tmp_path: Path) -> None:
    for scheme in ("grpc", "http"):
        with pytest.raises(SettingsInvalid, match=f"write {scheme}s://"):
            Client(f"{scheme}://host:1", "partner", new_key("x"), tls=Tls())
    with httpx.Client() as http:
        for url, tls in (("grpc://host:1", None), ("grpcs://host", None), ("https://host", Tls())):
            with pytest.raises(SettingsInvalid, match="http is a client of HTTP"):
                Client(url, "partner", new_key("x"), tls=tls, http=http)
    for scheme in ("grpcs", "https"):
        with pytest.raises(SettingsInvalid, match="TLS files"):
            Client(f"{scheme}://host:1", "partner", new_key("x"), tls=Tls(ca=tmp_path / "none.pem"))
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(SettingsInvalid, match="TLS files"):
        Client("grpcs://host:1", "partner", new_key("x"), tls=Tls(ca=tmp_path / "bad.pem"))
    with pytest.raises(SettingsInvalid, match="go together"):
        Tls(certificate="bank.crt")
