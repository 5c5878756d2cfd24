"""Python adapters of third parties: the page that shows one is true, from its code to the contract of the port."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("adapters.md", "adapters.zh-CN.md")
FILE = re.compile(r"^`([\w./-]+)`[^\n]*\n(?:[^`\n#][^\n]*\n)*\n```\w+\n(.*?)```", re.DOTALL | re.MULTILINE)
FILES = [
    "telegram.py",
    "pyproject.toml",
    "channels/wire-bank/channel.yaml",
    "tests/test_contract.py",
    "tests/samples/entry.tlg",
    "tests/samples/entry.json",
    "tests/samples/fee.tlg",
    "tests/samples/fee.json",
]
USE = """
import sys
from pathlib import Path
from xinqiao_adapters.channel import load_channel
channel = load_channel("wire-bank", [Path("channels")])
(decoded,) = channel.adapter.decode(Path("tests/samples/entry.tlg").read_bytes(), "application/x-telegram")
print("accountEntry" in channel.outgoing, decoded.key, decoded.place("accountEntry.amount.value"))
"""


def files_of(page: str) -> dict[str, str]:
    """Return the files that a page shows, by their paths."""
    return dict(FILE.findall((DOCS / page).read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the files of the page, and install what they are, with its entry point, into ``installed``."""
    folder = tmp_path_factory.mktemp("wire-bank")
    for name, text in files_of(PAGES[0]).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = text.removesuffix("\n").encode("gb18030") if path.suffix == ".tlg" else text.encode()
        path.write_bytes(raw)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    install = [*pip, "--no-build-isolation", "--target", "installed", "."]
    subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the project, with its adapter installed."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env={"PYTHONPATH": str(project / "installed"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_an_adapter_of_a_third_party_is_found_by_its_entry_point_and_made_with_the_profile(project: Path) -> None:
    done = run(project, "-W", "error", "-c", USE)
    assert (done.stdout, done.stderr) == ("True BR-1 tag 04, character 44\n", "")


def test_the_adapter_of_the_page_keeps_the_contract(project: Path) -> None:
    done = run(project, "-m", "pytest", "tests", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "-W", "error")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "31 passed" in done.stdout


def test_the_contract_fails_where_the_adapter_of_the_page_loses_a_field(project: Path, tmp_path: Path) -> None:
    source = (project / "telegram.py").read_text(encoding="utf-8")
    broken = source.replace("valueDate remark", "valueDate").replace("if unknown :=", "if not values and")
    (tmp_path / "telegram.py").write_text(broken, encoding="utf-8")
    path = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import pytest; "
    done = run(project, "-c", f"{path}sys.exit(pytest.main(['tests', '-q', '-p', 'no:cacheprovider', '-rf']))")
    assert done.returncode == 1
    assert "test_an_input_becomes_its_messages[entry.tlg]" in done.stdout


def test_the_page_shows_one_in_under_sixty_lines() -> None:
    files = files_of(PAGES[0])
    assert list(files) == FILES
    assert len(files["telegram.py"].splitlines()) < 60


def test_the_code_of_the_page_is_typed_and_formatted(project: Path) -> None:
    root = DOCS.parent
    ruff = [str(Path(sys.executable).with_name("ruff")), "format", "--check", "--line-length", "120", "telegram.py"]
    assert subprocess.run(ruff, cwd=project, check=False, timeout=60, capture_output=True).returncode == 0
    mypy = [sys.executable, "-m", "mypy", "--config-file", str(root / "pyproject.toml"), str(project / "telegram.py")]
    done = subprocess.run(mypy, cwd=root, check=False, timeout=120, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_both_pages_show_the_same() -> None:
    assert files_of(PAGES[0]) == files_of(PAGES[1])
