"""The descriptor image of the standard: what protoc, buf and the generators read."""

import subprocess
import sys
from pathlib import Path

from protobuf import DescFile
from protobuf.wkt import FileDescriptorProto, FileDescriptorSet
from protovalidate._gen.buf.validate import validate_pb

from generate import BUILD, PROTO

VALIDATE = "buf/validate/validate.proto"


def proto_files() -> list[str]:
    """Return the standard's own proto files, relative to ``schemas/proto``."""
    return sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))


def protoc(*arguments: str) -> None:
    """Run protoc with the plugins of this environment; raise ``CalledProcessError`` with its words shown."""
    programs = Path(sys.executable).parent
    plugins = [f"--plugin={name}={programs / name}" for name in ("protoc-gen-py", "protoc-gen-grpc-py")]
    subprocess.run(  # noqa: S603 -- our own arguments
        [sys.executable, "-m", "grpc_tools.protoc", *plugins, *arguments], check=True
    )


def write_image(*, source_info: bool = True) -> Path:
    """Write ``build/xinqiao.binpb`` (a FileDescriptorSet with imports, and source info) and return its path.

    ``buf/validate/validate.proto`` ships in no package: its descriptor is taken from protovalidate.
    """
    BUILD.mkdir(exist_ok=True)
    rules = BUILD / "validate.binpb"
    rules.write_bytes(FileDescriptorSet(file=list(_with_imports(validate_pb.desc()))).to_binary())
    image = BUILD / "xinqiao.binpb"
    protoc(
        f"-I{PROTO}",
        f"--descriptor_set_in={rules}",
        "--include_imports",
        *(["--include_source_info"] if source_info else []),
        f"--descriptor_set_out={image}",
        *proto_files(),
    )
    return image


def _with_imports(file: DescFile) -> list[FileDescriptorProto]:
    files: dict[str, FileDescriptorProto] = {}

    def collect(each: DescFile) -> None:
        for dependency in each.dependencies:
            collect(dependency)
        files.setdefault(each.name, each.proto)

    collect(file)
    return list(files.values())
