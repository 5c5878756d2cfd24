"""False results of batches: each says that all was accepted, and is for one reason not to be believed."""

from collections.abc import Callable, Mapping

from xinqiao.manifest import split_seal, with_seal
from xinqiao.message import Json, write_json
from xinqiao.seal import new_key
from xinqiao.testing import INSURER
from xinqiao_conformance.benches.taking import Answering, Forge, Laid

__all__ = ["FALSE", "false_result"]

# Who answers, a result that accepts all, the true one, and the batch.
_Made = Callable[[Answering, Json, Json, Laid], bytes]


def _header(message: Json, **said: object) -> Json:
    return {**message, "header": message["header"] | said}


def _body(message: Json, **said: object) -> Json:
    return {**message, "batchResult": message["batchResult"] | said}


def _changed(answering: Answering, good: Json, truth: Json, _: Laid) -> bytes:
    """Take the seal of the true result for a false one."""
    seal = answering.written(truth).splitlines()[-1]
    return write_json(good) + b"\n" + seal + b"\n"


def _sealed_by_the_manifest(_: Answering, good: Json, __: Json, laid: Laid) -> bytes:
    """Take the seal of the partner's own manifest for a false result."""
    return write_json(good) + b"\n" + split_seal(laid.manifest)[1].encode() + b"\n"


def _short(good: Json, **less: int) -> Json:
    counts = {name: str(max(int(good["batchResult"][name]) - by, 0)) for name, by in less.items()}
    return _body(good, **counts)


# What is false -> how it is made.
FALSE: Mapping[str, _Made] = {
    "without a seal": lambda _, good, __, ___: write_json(good),
    "sealed by a key that nobody registered": lambda _, good, *__: with_seal(write_json(good), new_key("stranger-1")),
    "sealed by another key of the same name": lambda by, good, *_: with_seal(write_json(good), new_key(by.key.kid)),
    "with the seal of the manifest": _sealed_by_the_manifest,
    "changed after it was sealed": _changed,
    "of another batch": lambda by, good, *_: by.written(_body(good, batchNo=f"{good['batchResult']['batchNo']}-9")),
    "from another institution": lambda by, good, *_: by.written(_header(good, sender=INSURER)),
    "for another institution": lambda by, good, *_: by.written(_header(good, receiver=INSURER)),
    "that leaves a record out": lambda by, good, *_: by.written(_short(good, acceptedCount=1)),
    "of fewer records": lambda by, good, *_: by.written(_short(good, acceptedCount=1, recordCount=1)),
    "that breaks off": lambda by, good, *_: by.written(good)[: len(write_json(good)) // 2],
    "that is empty": lambda *_: b"",
    "that is another message": lambda by, good, *_: by.written({"header": good["header"], "ping": {}}),
}


def false_result(answering: Answering) -> Forge:
    """Return how a false result is made, by its name, for a batch and its true result."""

    def forge(name: str, laid: Laid, truth: Json) -> bytes:
        return FALSE[name](answering, answering.result(laid, 0), truth, laid)

    return forge
