"""The OpenAPI document: FastAPI's own for queries, and the exchange, whose bodies are the generated JSON Schemas."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from xinqiao.errors import error_table
from xinqiao.seal import SIGNATURE_HEADER
from xinqiao.standard import message_types

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
    document["paths"] |= _operation()
    return document


def reference(name: str) -> dict[str, str]:
    """Return the reference to the JSON Schema of a message type, as this gateway serves it."""
    return {"$ref": f"{SCHEMAS}/{name}.schema.json"}


def _submit() -> dict[str, Any]:
    messages = {"oneOf": [reference(kind.name) for kind in message_types().values()]}
    reasons: dict[int, list[str]] = {}
    for error in error_table():
        reasons.setdefault(error.http_status, []).append(error.reason)
    refusals = {
        str(status): {
            "description": ", ".join(found),
            "content": {"application/json": {"schema": reference("Rejection")}},
        }
        for status, found in sorted(reasons.items())
        if status < 500 or status == 503
    }
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
            **refusals,
        },
    }


def _operation() -> dict[str, Any]:
    return {
        "/v1/health": {"get": _asked("Whether the process lives", {"200": {"description": "yes"}})},
        "/v1/ready": {"get": _asked("Whether messages are taken now", _READINESS)},
        "/v1/reload": {"post": _asked("Read channels, policy, obligations and settings again", _RELOAD)},
        "/metrics": {
            "get": _asked("Metrics in the text format of Prometheus", {"200": {"description": "all of them"}})
        },
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
