"""A registry of npm packages: `a`, `b` and `c`, each of whose archives is at another host than the index. Prints "ready"."""

import hashlib
import io
import json
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(sys.argv[1])


def archive(name):
    text = json.dumps({"name": name, "version": "1.0.0"}).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        entry = tarfile.TarInfo("package/package.json")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return out.getvalue()


ARCHIVES = {name: archive(name) for name in ("a", "b", "c")}


def describe(name):
    dist = {
        "tarball": f"http://files-{name}.example.org:{PORT}/{name}.tgz",
        "shasum": hashlib.sha1(ARCHIVES[name]).hexdigest(),
    }
    version = {"name": name, "version": "1.0.0", "dist": dist}
    return {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        host = self.headers["Host"].split(":")[0]
        name = self.path.strip("/").removesuffix(".tgz")
        if host == "index.example.org" and name in ARCHIVES:
            self.answer(json.dumps(describe(name)).encode(), "application/json")
        elif host == f"files-{name}.example.org":
            self.answer(ARCHIVES[name], "application/octet-stream")
        else:
            self.send_error(404)

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


server = ThreadingHTTPServer(("0.0.0.0", PORT), Handler)
print("ready", flush=True)
server.serve_forever()
