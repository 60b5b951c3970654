"""A server that speaks first, on the port that is its argument: says hello, and then back what it hears."""
import json
import socketserver
import sys


class Greeter(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 hello\r\n")
        for line in self.rfile:
            self.wfile.write(line)


socketserver.ThreadingTCPServer.allow_reuse_address = True
with socketserver.ThreadingTCPServer(("0.0.0.0", int(sys.argv[1])), Greeter) as server:
    print(json.dumps({"event": "ready"}), flush=True)
    server.serve_forever()
