"""A local server that speaks what a push uses of the Hugging Face Hub's HTTP API; the client is the real one."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_thisIsNoRealToken"


class FakeHub(ThreadingHTTPServer):
    """`repositories` by name: whether each is private, and its files. Files over `large` bytes go the way of LFS."""

    daemon_threads = True

    def __init__(self, *, large: int = 1 << 30) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.repositories: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, bytes] = {}
        self.uploads = 0
        self.large = large
        self.refuses: tuple[str, int] | None = None  # a part of a path, and the status it gets
        self.card_fault = ""  # what is wrong with the header of a README
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: FakeHub

    def do_GET(self) -> None:
        name = self.path.removeprefix("/api/models/")
        there = self.server.repositories.get(name)
        if not self._welcome():
            return
        if "/tree/" in self.path:
            files = self.server.repositories[name.split("/tree/")[0]]["files"]
            self._say([{"type": "file", "path": p, "size": len(c), "oid": "0"} for p, c in files.items()])
            return
        if there is None:
            self._say({"error": "Repository not found"}, 404)
            return
        self._say({"id": name, "private": there["private"], "siblings": [{"rfilename": f} for f in there["files"]]})

    def do_PUT(self) -> None:
        body = self._body()
        self.server.uploads += 1
        self.server.objects[hashlib.sha256(body).hexdigest()] = body
        self._say({})

    def do_POST(self) -> None:
        body = self._body()
        if not self._welcome():
            return
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            url = {"url": f"{self.server.url}/{name}", "name": name}
            if name in self.server.repositories:
                self._say({"error": "You already created this model repo", **url}, 409)
                return
            private = asked.get("visibility") == "private" or asked.get("private") is True
            self.server.repositories[name] = {"private": private, "files": {".gitattributes": b""}}
            self._say(url)
        elif "/preupload/" in self.path:
            files = json.loads(body)["files"]
            mode = {f["path"]: "lfs" if f["size"] > self.server.large else "regular" for f in files}
            self._say({"files": [{"path": p, "uploadMode": m, "shouldIgnore": False} for p, m in mode.items()]})
        elif self.path.endswith("/info/lfs/objects/batch"):
            self._say({"transfer": "basic", "objects": [self._object(o) for o in json.loads(body)["objects"]]})
        elif "/commit/" in self.path:
            self._commit(self.path.split("/commit/")[0].removeprefix("/api/models/"), body)
        else:  # validate-yaml
            fault = self.server.card_fault
            self._say({"errors": [{"message": fault}] if fault else [], "warnings": []}, 400 if fault else 200)

    def _object(self, asked: dict[str, Any]) -> dict[str, Any]:
        known = asked["oid"] in self.server.objects
        actions = {} if known else {"actions": {"upload": {"href": f"{self.server.url}/put/{asked['oid']}"}}}
        return {"oid": asked["oid"], "size": asked["size"], **actions}

    def _commit(self, name: str, body: bytes) -> None:
        files = self.server.repositories[name]["files"]
        for line in map(json.loads, body.decode().splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        oid = "a" * 40
        url = f"{self.server.url}/{name}/commit/{oid}"
        self._say({"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})

    def _welcome(self) -> bool:
        if self.server.refuses and self.server.refuses[0] in self.path:
            self._say({"error": "no"}, self.server.refuses[1])
            return False
        if self.path.startswith("/api/") and self.headers.get("authorization") != f"Bearer {TOKEN}":
            self._say({"error": "Invalid credentials in Authorization header"}, 401)
            return False
        return True

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _say(self, answer: object, status: int = 200) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""
