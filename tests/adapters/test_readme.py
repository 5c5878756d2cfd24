"""The worked example of adapters/README.md works."""

import re
from pathlib import Path

from tests.adapters.conftest import read
from xinqiao_adapters.channel import load_channel

README = Path(__file__).parents[2] / "adapters" / "README.md"


def block(kind: str) -> str:
    found = re.search(f"```{kind}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_worked_example_of_the_readme_works(tmp_path: Path) -> None:
    (tmp_path / "my-bank").mkdir()
    (tmp_path / "my-bank" / "channel.yaml").write_text(block("yaml"), encoding="utf-8")
    channel = load_channel("my-bank", [tmp_path])
    (decoded,) = read(channel, block("xml").encode(), "application/xml")
    assert decoded.message["navReport"] == {
        "instrument": {"code": "P1"},
        "navDate": "2026-01-31",
        "unitNav": "1.0023",
        "netAssets": {"value": "10.50", "currency": "CNY"},
        "state": "FORMAL",
    }
    assert decoded.place("navReport.navDate") == "Body/Day, line 3"
    (encoded,) = channel.adapter.encode([decoded.message])
    flat = "".join(line.strip() for line in block("xml").splitlines())
    assert encoded.content.decode("gb18030").partition("\n")[2] == flat
