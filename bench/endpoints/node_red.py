"""Node-RED from npm, where node is there: http in, a function, SQLite (WAL, synchronous=FULL), http response."""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.endpoints.serving import free_port, serving

__all__ = ["installed", "node_red"]

_CACHE = Path("build/bench/node-red")
_PACKAGES = ("node-red", "node-red-node-sqlite")
_PROGRAM = _CACHE / "node_modules/node-red/red.js"
_PATIENCE = 900.0
_PREPARE = """
msg.params = {$id: msg.payload.header.messageId, $content: JSON.stringify(msg.payload)};
return msg;
"""
_ANSWER = "msg.statusCode = 202; msg.payload = {id: msg.params.$id}; return msg;"
_CREATE = "CREATE TABLE messages (id INTEGER PRIMARY KEY, message_id TEXT UNIQUE, content TEXT)"
_DURABLE = "PRAGMA synchronous=FULL"
_INSERT = "INSERT INTO messages (message_id, content) VALUES ($id, $content)"


def installed() -> str:
    """Install it once, under ``build/``; return why it cannot be measured, or nothing where it can."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "node is not here"
    if _PROGRAM.exists():
        return ""
    _CACHE.mkdir(parents=True, exist_ok=True)
    (_CACHE / "package.json").write_text('{"private": true}', encoding="utf-8")
    command = ["npm", "install", "--no-audit", "--no-fund", *_PACKAGES]
    try:
        subprocess.run(command, cwd=_CACHE, check=True, capture_output=True, timeout=_PATIENCE)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return f"npm could not install {' and '.join(_PACKAGES)}"
    return ""


@contextmanager
def node_red(work: Path) -> Iterator[int]:
    """Run it on a free port with the flow."""
    folder, port = work / "node-red", free_port()
    folder.mkdir()
    with closing(sqlite3.connect(folder / "messages.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(_CREATE)
    (folder / "flows.json").write_text(json.dumps(_flow(folder / "messages.db")), encoding="utf-8")
    settings = {"uiPort": port, "uiHost": "127.0.0.1", "flowFile": "flows.json", "disableEditor": True}
    settings |= {"logging": {"console": {"level": "off"}}, "telemetry": {"enabled": False}, "credentialSecret": False}
    (folder / "settings.js").write_text(f"module.exports = {json.dumps(settings)}", encoding="utf-8")
    command = ["node", str(_PROGRAM), "--userDir", str(folder), "--settings", str(folder / "settings.js")]
    with serving(command, f"http://127.0.0.1:{port}/ready", {}):
        yield port


def _flow(database: Path) -> list[dict[str, object]]:
    """Return the flow; its one connection is made durable at the start (the node's ``batch`` runs ``msg.topic``)."""
    return [
        {"id": "flow", "type": "tab", "label": "bench"},
        {"id": "db", "type": "sqlitedb", "db": str(database), "mode": "RWC"},
        _node("start", "inject", ["durable"], topic=_DURABLE, once=True, onceDelay=0.1, payload="", payloadType="str"),
        _node("durable", "sqlite", [], mydb="db", sqlquery="batch"),
        _node("in", "http in", ["prepare"], url="/messages", method="post"),
        _node("prepare", "function", ["insert"], func=_PREPARE, outputs=1),
        _node("insert", "sqlite", ["answer"], mydb="db", sqlquery="prepared", sql=_INSERT),
        _node("answer", "function", ["out"], func=_ANSWER, outputs=1),
        _node("out", "http response", []),
        _node("probe", "http in", ["out"], url="/ready", method="get"),
    ]


def _node(name: str, kind: str, leads_to: list[str], **settings: object) -> dict[str, object]:
    # Without a place it would be taken for a configuration.
    return {"id": name, "type": kind, "z": "flow", "x": 100, "y": 100, "wires": [leads_to], **settings}
