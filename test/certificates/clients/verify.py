"""BUNDLE PORT NAME: whether Python, as strict as 3.13 is by default, takes the server on loopback for NAME."""
import socket
import ssl
import sys

bundle, port, name = sys.argv[1:]
context = ssl.create_default_context(cafile=bundle)
context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
try:
    with socket.create_connection(("127.0.0.1", int(port))) as plain:
        with context.wrap_socket(plain, server_hostname=name):
            print("trusted")
except ssl.SSLCertVerificationError as error:
    print(f"refused: {error.verify_message}")
