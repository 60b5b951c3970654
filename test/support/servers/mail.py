"""A mail server at every address, on port 25: KEY CERT. Greets first; takes EHLO, NOOP, QUIT and STARTTLS (RFC 5321, RFC 3207). Says
`ready`, and a line for each command."""
import json
import socket
import socketserver
import ssl
import sys

KEY, CERT = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERT, KEY)


def say(**fields):
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


class Mail(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            self.request.sendall(b"220 mail.example.org ESMTP\r\n")
            self.talk(self.request, offers=b"250-mail.example.org\r\n250 STARTTLS\r\n")
        except OSError as error:
            say(event="broken", error=type(error).__name__)

    def talk(self, stream, offers):
        lines = stream.makefile("rb")
        for line in iter(lines.readline, b""):
            command = line.split()[0].decode("latin-1").upper() if line.split() else ""
            say(event="command", command=command, tls=isinstance(stream, ssl.SSLSocket))
            if command == "QUIT":
                return stream.sendall(b"221 bye\r\n")
            if command == "STARTTLS":
                stream.sendall(b"220 go ahead\r\n")
                with context.wrap_socket(stream, server_side=True) as secure:
                    return self.talk(secure, offers=b"250 mail.example.org\r\n")
            stream.sendall(offers if command == "EHLO" else b"250 ok\r\n")


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True


with Server(("::", 25), Mail) as server:
    say(event="ready")
    server.serve_forever()
