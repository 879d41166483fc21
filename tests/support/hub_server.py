"""A server that speaks as much of the Hugging Face hub's API as publishing and loading need.

Dataset repositories only: creating, listing (in pages), the upload protocol for large files, atomic
commits with a check of their parent, and downloads with ETags and ranges. Everything asked of it is
in ``calls``. The Xet protocol, which the real hub offers beside, is not spoken.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from hub_repository import Repository, git_oid, is_large

TOKEN = "hf_test"
PAGE = 3
"""Entries of a repository's tree in one answer."""


class Hub:
    """``before`` may be set: it sees method and path of each request, and drops the connection by
    returning true."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.calls: list[tuple[str, str]] = []
        self.order: list[str] = []
        """Files in the order in which commits named them."""
        self.before: Callable[[str, str], bool] = lambda method, path: False
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def sent(self) -> list[str]:
        """Hashes of the large files that were sent, in order."""
        return [path.rpartition("/")[2] for method, path in self.calls if method == "PUT"]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, status: int, body: Any = None, headers: dict[str, str] | None = None) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _any(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        self.hub.calls.append((self.command, path))
        if self.hub.before(self.command, path):
            # As a server that goes away half way: some of the body is read, and no answer comes.
            self.rfile.read(min(100, int(self.headers.get("Content-Length") or 0)))
            self.close_connection = True
            self.connection.shutdown(2)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self._chunks()
        for method, pattern, serve in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and self.command in method.split():
                serve(self, body, parse_qs(parts.query), **found.groupdict())
                return
        self._answer(404, {"error": "not found"}, {"X-Error-Code": "EntryNotFound"})

    do_GET = do_HEAD = do_POST = do_PUT = _any

    def _chunks(self) -> bytes:
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _repository(self, name: str) -> Repository | None:
        """The repository, if the caller may see it; else it has been answered."""
        found = self.hub.repositories.get(name)
        known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if found is None or (found.private and not known):
            message = {"error": "Repository not found"}
            self._answer(401 if not known else 404, message, {"X-Error-Code": "RepoNotFound"})
            return None
        return found

    def create(self, body: bytes, query: Any) -> None:
        asked = json.loads(body)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer(401, {"error": "Invalid username or password."})
        assert asked["type"] == "dataset"
        name = f"{asked['organization']}/{asked['name']}"
        url = f"{self.hub.url}/datasets/{name}"
        if name in self.hub.repositories:
            return self._answer(409, {"error": "You already created this repo", "url": url})
        private = asked.get("visibility") == "private" or asked.get("private") is True
        made = self.hub.repositories[name] = Repository(private)
        made.large[made.commit({".gitattributes": b"*.parquet filter=lfs\n"})] = {}
        self._answer(200, {"url": url, "name": name})

    def info(self, body: bytes, query: Any, name: str, revision: str = "main") -> None:
        if (found := self._repository(name)) is None:
            return
        files = found.files(revision)
        if files is None:
            return self._answer(404, {"error": "no"}, {"X-Error-Code": "RevisionNotFound"})
        oid = found.head if revision == "main" else revision
        siblings = [{"rfilename": path} for path in sorted(files)]
        self._answer(200, {"id": name, "sha": oid, "private": found.private, "tags": [],
                           "downloads": 0, "likes": 0, "siblings": siblings})  # fmt: skip

    def tree(self, body: bytes, query: Any, name: str, revision: str, folder: str = "") -> None:
        if (found := self._repository(name)) is None:
            return
        files = found.files(revision)
        if files is None:
            return self._answer(404, {"error": "no"}, {"X-Error-Code": "RevisionNotFound"})
        inside = f"{folder}/" if folder else ""
        deep = query.get("recursive", ["False"])[0].lower() in ("true", "1")
        entries: dict[str, dict[str, Any]] = {}
        for path in sorted(files):
            if not path.startswith(inside):
                continue
            steps = path.removeprefix(inside).split("/")
            for depth in range(1, len(steps)):
                above = inside + "/".join(steps[:depth])
                if deep or depth == 1:
                    entries[above] = {
                        "type": "directory",
                        "path": above,
                        "size": 0,
                        "oid": "0" * 40,
                    }
            if deep or len(steps) == 1:
                entries[path] = self._entry(found, revision, path, files[path])
        if folder and not entries:
            return self._answer(404, {"error": "no"}, {"X-Error-Code": "EntryNotFound"})
        start = int(query.get("cursor", ["0"])[0])
        listed = list(entries.values())
        headers = {}
        if start + PAGE < len(listed):
            more = (
                f"{self.hub.url}{urlsplit(self.path).path}?recursive={deep}&cursor={start + PAGE}"
            )
            headers["Link"] = f'<{more}>; rel="next"'
        self._answer(200, listed[start : start + PAGE], headers)

    def _entry(self, found: Repository, revision: str, path: str, content: bytes) -> dict[str, Any]:
        oid = found.head if revision == "main" else revision
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content),
                                 "oid": git_oid(content)}  # fmt: skip
        if digest := found.large[oid].get(path):
            entry["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 130}
        return entry

    def paths_info(self, body: bytes, query: Any, name: str, revision: str) -> None:
        if (found := self._repository(name)) is None:
            return
        files = found.files(revision) or {}
        text = body.decode()
        asked = json.loads(text)["paths"] if text.startswith("{") else parse_qs(text)["paths"]
        entries = []
        for path in asked:
            if path in files:
                entries.append(self._entry(found, revision, path, files[path]))
            elif any(other.startswith(f"{path}/") for other in files):
                entries.append({"type": "directory", "path": path, "size": 0, "oid": "0" * 40})
        self._answer(200, entries)

    def preupload(self, body: bytes, query: Any, name: str, revision: str) -> None:
        if (found := self._repository(name)) is None:
            return
        files = found.files(revision) or {}
        answers = []
        for item in json.loads(body)["files"]:
            path = item["path"]
            large = is_large(path, item["size"])
            oid = None
            if path in files:
                oid = found.large[found.head].get(path) if large else git_oid(files[path])
            answers.append({"path": path, "uploadMode": "lfs" if large else "regular",
                            "shouldIgnore": False, "oid": oid})  # fmt: skip
        self._answer(200, {"files": answers})

    def batch(self, body: bytes, query: Any, name: str) -> None:
        if self._repository(name) is None:
            return
        objects = []
        for item in json.loads(body)["objects"]:
            answer = {"oid": item["oid"], "size": item["size"]}
            if item["oid"] not in self.hub.objects:
                answer["actions"] = {
                    "upload": {"href": f"{self.hub.url}/objects/{item['oid']}"},
                    "verify": {"href": f"{self.hub.url}/verify"},
                }
            objects.append(answer)
        self._answer(200, {"transfer": "basic", "objects": objects})

    def put(self, body: bytes, query: Any, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            return self._answer(400, {"error": "the content is not that of its hash"})
        self.hub.objects[oid] = body
        self._answer(200, b"")

    def check(self, body: bytes, query: Any) -> None:
        asked = json.loads(body)
        there = len(self.hub.objects.get(asked["oid"], b"")) == asked["size"]
        self._answer(200 if there else 422, {})

    def commit(self, body: bytes, query: Any, name: str, revision: str) -> None:
        if (found := self._repository(name)) is None:
            return
        files, large = dict(found.files(revision) or {}), dict(found.large[found.head])
        for line in body.decode().splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "header":
                if value.get("parentCommit", found.head) != found.head:
                    return self._answer(412, {"error": "A commit has happened since"})
            elif item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
                large.pop(value["path"], None)
            elif item["key"] == "lfsFile":
                if value["oid"] not in self.hub.objects:
                    return self._answer(400, {"error": f"{value['path']} was never uploaded"})
                files[value["path"]] = self.hub.objects[value["oid"]]
                large[value["path"]] = value["oid"]
            elif item["key"] == "deletedFile":
                del files[value["path"]]
                large.pop(value["path"], None)
            if item["key"] != "header":
                self.hub.order.append(value["path"])
        oid = found.commit(files)
        found.large[oid] = large
        self._answer(200, {"success": True, "commitOid": oid,
                           "commitUrl": f"{self.hub.url}/datasets/{name}/commit/{oid}"})  # fmt: skip

    def validate(self, body: bytes, query: Any) -> None:
        self._answer(200, {"errors": [], "warnings": []})

    def resolve(self, body: bytes, query: Any, name: str, revision: str, path: str) -> None:
        if (found := self._repository(name)) is None:
            return
        content = (found.files(revision) or {}).get(path)
        if content is None:
            return self._answer(404, {"error": "no"}, {"X-Error-Code": "EntryNotFound"})
        oid = found.head if revision == "main" else revision
        digest = found.large[oid].get(path)
        headers = {"ETag": f'"{digest or git_oid(content)}"', "X-Repo-Commit": oid,
                   "Accept-Ranges": "bytes"}  # fmt: skip
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            return self._answer(200, content, headers)
        start, end = int(asked[1]), int(asked[2] or len(content) - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
        self._answer(206, content[start : end + 1], headers)


NAME = r"(?P<name>[^/]+/[^/]+)"
REVISION = r"(?P<revision>[^/]+)"
ROUTES: list[tuple[str, str, Callable[..., None]]] = [
    ("POST", r"/api/repos/create", _Handler.create),
    ("POST", r"/api/validate-yaml", _Handler.validate),
    ("GET", rf"/api/datasets/{NAME}", _Handler.info),
    ("GET", rf"/api/datasets/{NAME}/revision/{REVISION}", _Handler.info),
    ("GET", rf"/api/datasets/{NAME}/tree/{REVISION}", _Handler.tree),
    ("GET", rf"/api/datasets/{NAME}/tree/{REVISION}/(?P<folder>.+)", _Handler.tree),
    ("POST", rf"/api/datasets/{NAME}/paths-info/{REVISION}", _Handler.paths_info),
    ("POST", rf"/api/datasets/{NAME}/preupload/{REVISION}", _Handler.preupload),
    ("POST", rf"/api/datasets/{NAME}/commit/{REVISION}", _Handler.commit),
    ("POST", rf"/datasets/{NAME}\.git/info/lfs/objects/batch", _Handler.batch),
    ("PUT", r"/objects/(?P<oid>[0-9a-f]{64})", _Handler.put),
    ("POST", r"/verify", _Handler.check),
    ("GET HEAD", rf"/datasets/{NAME}/resolve/{REVISION}/(?P<path>.+)", _Handler.resolve),
]
