"""The OpenAPI document: FastAPI's own for queries, and the exchange, whose bodies are the generated JSON Schemas."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from xinqiao.errors import error_table
from xinqiao.seal import SIGNATURE_HEADER
from xinqiao.standard import message_types
from xinqiao_gateway.documents import shipped_kinds
from xinqiao_gateway.fronts.rest.documents import DOCUMENT_PATH

__all__ = ["SCHEMAS", "describe", "reference"]

SCHEMAS = "/schemas/json/v1"


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the document (OpenAPI 3.1, whose schemas are JSON Schema 2020-12 as ours are)."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    document["paths"]["/v1/channels/{channel}/messages"] = {
        "parameters": [{"name": "channel", "in": "path", "required": True, "schema": {"type": "string"}}],
        "post": _submit(),
        "get": _pull(),
    }
    document["paths"][DOCUMENT_PATH] = _document()
    document["paths"] |= _operation()
    return document


def reference(name: str) -> dict[str, str]:
    """Return the reference to the JSON Schema of a message type, as this gateway serves it."""
    return {"$ref": f"{SCHEMAS}/{name}.schema.json"}


def _submit() -> dict[str, Any]:
    messages = {"oneOf": [reference(kind.name) for kind in message_types().values()]}
    return {
        "tags": ["exchange"],
        "summary": "Submit one raw input",
        "description": "The body is a canonical message, or whatever the channel's profile says its partner sends.",
        "parameters": [
            {
                "name": SIGNATURE_HEADER,
                "in": "header",
                "required": True,
                "description": "Detached JWS (RFC 7515, RFC 7797 b64=false) over the body's bytes.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": messages}, "application/xml": {}},
        },
        "responses": {
            "202": {
                "description": "accepted and durable",
                "content": {"application/json": {"schema": reference("Receipt")}},
            },
            "200": {
                "description": "was accepted before: the first receipt again",
                "content": {"application/json": {"schema": reference("Receipt")}},
            },
            "207": {"description": "several messages, some accepted: an array of receipts and rejections"},
            **_refusals(),
        },
    }


def _refusals(*statuses: int) -> dict[str, Any]:
    """Return the refusals with these statuses, or with all that a partner may be answered."""
    reasons: dict[int, list[str]] = {}
    for error in error_table():
        reasons.setdefault(error.http_status, []).append(error.reason)
    return {
        str(status): {
            "description": ", ".join(found),
            "content": {"application/json": {"schema": reference("Rejection")}},
        }
        for status, found in sorted(reasons.items())
        if status in statuses or (not statuses and (status < 500 or status == 503))
    }


def _document() -> dict[str, Any]:
    """Return the path of a document; see docs/documents.md."""
    names = ("sha256", "sm3", "mediaType", "size")
    facts = {"type": "object", "required": list(names), "properties": {name: {"type": "string"} for name in names}}
    stored = {"application/json": {"schema": facts}}
    message = {"name": "message", "in": "query", "schema": {"type": "string"}}
    message["description"] = "Id of a message to this channel that refers to the document; not needed by who has it."
    head = {
        "tags": ["documents"],
        "parameters": [message],
        "responses": {"200": {"description": "the document"}, **_refusals(400, 401, 404, 410, 503)},
    }
    return {
        "description": "Authorization: Bearer, a token for this path signed with a key of the channel.",
        "parameters": [
            {"name": "channel", "in": "path", "required": True, "schema": {"type": "string"}},
            {
                "name": "digest",
                "in": "path",
                "required": True,
                "description": "sha256:… or sm3:… of the content; SHA-256 where neither is said.",
                "schema": {"type": "string"},
            },
        ],
        "put": {
            "tags": ["documents"],
            "summary": "Put a document",
            "description": "A document no larger than the largest message may be sealed like one instead.",
            "requestBody": {"required": True, "content": {name: {} for name in shipped_kinds()}},
            "responses": {
                "201": {"description": "stored and durable", "content": stored},
                "200": {"description": "this channel has it already", "content": stored},
                **_refusals(400, 401, 404, 410, 413, 422, 503),
            },
        },
        "get": head | {"summary": "Get a document"},
        "head": head | {"summary": "Get its type and size; from then on the channel has it"},
    }


def _operation() -> dict[str, Any]:
    return {
        "/v1/keys": {"get": _asked("The gateway's public keys, the present one first", {"200": _KEYS})},
        "/v1/health": {"get": _asked("Whether the process lives", {"200": {"description": "yes"}})},
        "/v1/ready": {"get": _asked("Whether messages are taken now", _READINESS)},
        "/v1/reload": {"post": _asked("Read channels, policy, obligations and settings again", _RELOAD)},
        "/metrics": {
            "get": _asked("Metrics in the text format of Prometheus", {"200": {"description": "all of them"}})
        },
    }


_KEYS = {
    "description": "a JWK set; a key of before, for older evidence, says former: true",
    "content": {"application/json": {}},
}
_READINESS = {
    "200": {"description": "yes"},
    "503": {"description": "no, and why for who has the admin token"},
}
_RELOAD = {
    "200": {"description": "what was added, changed and removed"},
    "422": {
        "description": "settings_invalid: nothing has changed; every problem with its file and line",
        "content": {"application/json": {"schema": reference("Rejection")}},
    },
}


def _asked(summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    return {"tags": ["operation"], "summary": summary, "responses": responses}


def _pull() -> dict[str, Any]:
    sealed = {
        "type": "object",
        "required": ["content", "contentType", "signature"],
        "properties": {
            "content": {"type": "string", "contentEncoding": "base64"},
            "contentType": {"type": "string"},
            "signature": {"type": "string"},
        },
    }
    page = {
        "type": "object",
        "required": ["messages", "cursor"],
        "properties": {"messages": {"type": "array", "items": sealed}, "cursor": {"type": "string"}},
    }
    return {
        "tags": ["exchange"],
        "summary": "Read the messages after a cursor",
        "description": "In journal order, sealed by the gateway. A cursor acknowledges what came before it. "
        "Authorization: Bearer, a token signed with a key of the channel.",
        "parameters": [
            {"name": "after", "in": "query", "schema": {"type": "string"}},
            {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 500}},
        ],
        "responses": {"200": {"description": "a page", "content": {"application/json": {"schema": page}}}},
    }
