"""The faces of the standard.

``python -m generate``: write every face. ``python -m generate lint``: check the proto files with buf, and that they
keep to the last release. ``python -m generate release VERSION``: freeze them as a release.
"""

import subprocess
import sys
from pathlib import Path

from generate import ROOT, SDK
from generate.image import write_image
from generate.release import compare, write_release
from generate.typed import write_typed


def main(arguments: list[str]) -> int:
    """Return the exit status."""
    if arguments == ["lint"]:
        return _lint() or compare()
    if arguments[:1] == ["release"] and len(arguments) == 2:
        write_release(arguments[1])
        return 0
    write_typed(SDK)
    # Each step reads what the one before has written, and the SDK reads a file once: so imports stand where they do.
    from generate.jsonschema import write_schemas  # noqa: PLC0415
    from generate.openapi import write_openapi  # noqa: PLC0415

    write_schemas(ROOT / "schemas" / "json" / "v1")
    write_openapi(ROOT / "schemas" / "openapi" / "v1.json")
    from generate.coverage import write_coverage  # noqa: PLC0415
    from generate.dictionary import write_dictionary  # noqa: PLC0415
    from generate.errors import write_errors  # noqa: PLC0415
    from generate.processes import write_processes  # noqa: PLC0415
    from generate.vectors import write_vectors  # noqa: PLC0415
    from generate.xsd import write_xsd  # noqa: PLC0415

    write_xsd(ROOT / "schemas" / "xsd" / "v1")
    write_vectors(ROOT / "schemas" / "vectors")
    write_dictionary(ROOT / "docs" / "dictionary")
    write_errors(ROOT / "docs" / "errors.md")
    write_processes(ROOT / "docs")
    write_coverage(ROOT / "docs" / "conformance" / "coverage.md")
    return 0


def _lint() -> int:
    buf = Path(sys.executable).parent / "buf"
    command = [str(buf), "lint", str(write_image()), "--config", str(ROOT / "schemas" / "buf.yaml")]
    return subprocess.run(command, check=False).returncode  # noqa: S603 -- our own arguments


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
