#!/usr/bin/env python3
"""A model hub for tests: speaks the HTTP API that `longscroll pull hf:` uses, and misbehaves on request.

Usage: fake_hub.py --port 0

Prints "PORT CDN_PORT" and serves on the loopback address until its parent process ends. The owner in
hf:OWNER/REPO says how the server behaves (BEHAVIOURS), the repository what it holds (REPOSITORIES).
GET /log answers with every request so far; the file contents are content(seed, size).
"""
import argparse
import collections
import hashlib
import http.server
import json
import os
import threading
import time
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CUT_BYTES = 100_000
BIG = 350_000

BEHAVIOURS = {
    "plain": "as the real hub",
    "cut": "every answer breaks off after CUT_BYTES",
    "norange": "the first answer breaks off; later ones are whole, whatever range is asked for",
    "stubborn": "breaks off at the same byte every time, and knows no ranges",
    "changed": "the first answer breaks off; then the file and its ETag are others",
    "wronghash": "the API's hash is not the file's",
    "gated": "401 without the token 'secret'",
    "missing": "404",
    "busy": "503 twice for each path",
    "redirect": "files are served from another port",
    "liar": "files are longer than the API says, and their Content-Length says so",
    "endless": "files go on for ever",
    "stall": "the first answer stops in the middle without closing",
    "noapi": "the API answers with a page",
}


def content(seed, size):
    return bytes((i * 31 + (i >> 8) + seed) & 0xFF for i in range(size))


# name: (size, in large-file storage)
MODEL = {"config.json": (700, False), "tokenizer.json": (5_000, False), "model.safetensors": (BIG, True),
         "README.md": (300, False), ".gitattributes": (30, False), "training_args.bin": (90, True),
         "onnx/model.safetensors": (40, True)}
REPOSITORIES = {
    "model": MODEL,
    "one": {"README.md": (300, False), "x.gguf": (BIG, True)},
    "many": {"a-q4.gguf": (40, True), "b q8.gguf": (50, True)},
    "ignored": {**MODEL, "../../evil.safetensors": (40, True), "/tmp/tokenizer.json": (40, False)},
    "refused": {**MODEL, "tokenizer\x1b[2J.json": (40, False)},
    "huge": {"x.gguf": (1 << 60, True)},
}


def seed_of(name):
    return len(name)


class State:
    def __init__(self):
        self.lock = threading.Lock()
        self.log = []
        self.served = collections.Counter()
        self.cdn_port = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        port = self.server.server_address[1]
        if path == "/log":
            with self.state.lock:
                return self.answer(200, json.dumps(self.state.log).encode())
        with self.state.lock:
            self.state.log.append({"path": path, "query": url.query, "range": self.headers.get("Range", ""),
                                   "if_range": self.headers.get("If-Range", ""), "cdn": port == self.state.cdn_port,
                                   "authorization": self.headers.get("Authorization", "")})
            count = self.state.served[path]
            self.state.served[path] += 1
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            return self.serve_api(parts[2], parts[3], count)
        owner, repo = parts[:2]
        return self.serve_file(owner, repo, "/".join(parts[4:]), port, count)

    def answer(self, status, body, headers=()):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def refused(self, owner, count):
        if owner == "missing":
            self.answer(404, b"no such thing")
        elif owner == "gated" and self.headers.get("Authorization") != "Bearer secret":
            self.answer(401, b"who are you")
        elif owner == "busy" and count < 2:
            self.answer(503, b"later")
        else:
            return False
        return True

    def serve_api(self, owner, repo, count):
        if self.refused(owner, count):
            return
        if owner == "noapi":
            return self.answer(200, b"<html>hello</html>")
        if repo not in REPOSITORIES:
            return self.answer(404, b"no such repository")
        siblings = []
        for name, (size, large) in REPOSITORIES[repo].items():
            entry = {"rfilename": name, "size": size, "blobId": "0" * 40}
            if large:
                real = content(seed_of(name), size) if size <= BIG else b""
                if owner == "wronghash":
                    real += b"!"
                if owner == "changed":
                    real = content(seed_of(name) + 1, size)
                entry["lfs"] = {"sha256": hashlib.sha256(real).hexdigest(), "size": size, "pointerSize": 134}
            else:
                data = content(seed_of(name), size)
                entry["blobId"] = hashlib.sha1(b"blob %d\0" % size + data).hexdigest()
            siblings.append(entry)
        self.answer(200, json.dumps({"id": f"{owner}/{repo}", "sha": COMMIT, "siblings": siblings}).encode())

    def serve_file(self, owner, repo, name, port, count):
        if self.refused(owner, count):
            return
        if owner == "redirect" and port != self.state.cdn_port:
            return self.answer(302, b"", [("Location", f"http://127.0.0.1:{self.state.cdn_port}{self.path}"),
                                          ("ETag", '"of the redirect"')])
        size = REPOSITORIES.get(repo, {}).get(name, (None, False))[0]
        if size is None:
            return self.answer(404, b"no such file")
        changed = owner == "changed" and size == BIG and count > 0
        data = content(seed_of(name) + changed, size)
        if owner == "liar":
            data += b"more"
        if owner == "endless":
            return self.serve_endless()
        self.serve_bytes(owner, data, '"v2"' if changed else '"v1"', count)

    def serve_endless(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for _ in range(100):
                self.wfile.write(bytes(CUT_BYTES))
        except OSError:
            pass

    def serve_bytes(self, owner, data, etag, count):
        start = 0
        asked = self.headers.get("Range", "")
        if asked.startswith("bytes=") and owner not in ("norange", "stubborn"):
            start = int(asked[len("bytes="):].rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        body = data[start:]
        breaks = owner in ("cut", "stubborn") or (owner in ("norange", "changed", "stall") and count == 0)
        if breaks and len(body) > CUT_BYTES:
            self.wfile.write(body[:CUT_BYTES])
            self.wfile.flush()
            if owner == "stall":
                time.sleep(20)
            self.close_connection = True
            return
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that hangs up is part of the tests, not worth a traceback."""


def leave_with_parent():
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    Handler.state = State()
    hub = Server(("127.0.0.1", arguments.port), Handler)
    cdn = Server(("127.0.0.1", 0), Handler)
    Handler.state.cdn_port = cdn.server_address[1]
    threading.Thread(target=leave_with_parent, daemon=True).start()
    threading.Thread(target=cdn.serve_forever, daemon=True).start()
    print(hub.server_address[1], cdn.server_address[1], flush=True)
    hub.serve_forever()


if __name__ == "__main__":
    main()
