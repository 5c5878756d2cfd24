"""The SDK alone: its wheel installs and works in an empty environment, without what the other parts need."""

import os
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = {
    f"xinqiao/schemas/{path.relative_to(ROOT / 'schemas')}" for path in (ROOT / "schemas").rglob("*") if path.is_file()
}
# What the extra ``xinqiao[grpc]`` adds; nothing else imports it before an address asks for gRPC.
EXTRA = {
    "xinqiao.exchange.v1.exchange_pb_grpc",
    "xinqiao.transport.grpc",
    "xinqiao.transport.grpc_answers",
    "xinqiao.transport.grpc_following",
}
IMPORT_ALL = f"""
import importlib, importlib.metadata, pkgutil, sys, xinqiao
for module in pkgutil.walk_packages(xinqiao.__path__, "xinqiao."):
    if module.name not in {EXTRA}:
        importlib.import_module(module.name)
"""
REPORT = """
unwanted = {"fastapi", "starlette", "grpc", "paramiko", "xmlschema", "lxml", "sqlalchemy", "pydantic", "yaml"}
print(sorted(unwanted & set(sys.modules)))
installed = {each.metadata["Name"].lower() for each in importlib.metadata.distributions()}
print(sorted((unwanted | {"grpcio", "pyyaml"}) & installed))
print(xinqiao.__file__)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the SDK's wheel and sdist."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT / "sdk", check=True, capture_output=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [path] = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, and nothing else, into an empty environment; return its folder of programs."""
    folder = tmp_path_factory.mktemp("empty")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "--disable-pip-version-check"]
    install = [*pip, "install", "--quiet", "-c", str(ROOT / "constraints.txt"), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    return folder / "bin"


def run(environment: Path, *command: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(environment / command[0]), *command[1:]],
        cwd=environment,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_wheel_carries_the_standard_and_nothing_twice(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        contents = Counter(info.CRC for info in archive.infolist() if info.filename.endswith(".json"))

    assert set(names) >= SCHEMAS | {"xinqiao/py.typed", "xinqiao/v1/__init__.py"}
    assert len(names) == len(set(names))
    assert {name.split("/")[0] for name in names} == {"xinqiao", "xinqiao-0.1.0.dist-info"}
    assert set(contents.values()) == {1}


def test_the_sdist_carries_the_standard_as_files(built: Path) -> None:
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        files = {member.name for member in archive.getmembers() if member.isfile()}
        links = [member.name for member in archive.getmembers() if member.issym()]

    assert files >= {f"xinqiao-0.1.0/src/{name}" for name in SCHEMAS}
    assert links == []


def test_every_module_imports_without_what_the_other_parts_need(environment: Path) -> None:
    done = run(environment, "python", "-W", "error", "-c", IMPORT_ALL + REPORT)

    assert (done.stderr, done.returncode) == ("", 0)
    imported, installed, place = done.stdout.splitlines()
    assert (imported, installed) == ("[]", "[]")
    assert Path(place).is_relative_to(environment.parent)


def test_the_command_validates_with_the_schemas_of_the_wheel(environment: Path, tmp_path: Path) -> None:
    message, broken = tmp_path / "message.json", tmp_path / "broken.json"
    printed = run(environment, "xinqiao", "example", "kycApplication").stdout
    message.write_text(printed, encoding="utf-8")
    broken.write_text(printed.replace("11010119800101007X", "110101198001010071"), encoding="utf-8")

    codes = [run(environment, "xinqiao", "validate", str(each)).returncode for each in (message, broken, tmp_path)]

    assert codes == [0, 1, 2]


def test_an_address_of_grpc_says_what_to_install(environment: Path, tmp_path: Path) -> None:
    key, file = tmp_path / "key.jwk", tmp_path / "message.json"
    run(environment, "xinqiao", "new-key", "partner-1", "--out", str(key))
    file.write_text("{}", encoding="utf-8")

    done = run(environment, "xinqiao", "send", str(file), "--url", "grpc://a:1", "--channel", "c", "--key", str(key))

    assert done.returncode == 2
    assert "pip install 'xinqiao[grpc]'" in done.stderr
