"""How a program is a plugin of moldctl: the handshake, TLS, and its end."""

import base64
import datetime
import os
import sys
import tempfile
import threading
import time
from concurrent import futures

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

# The host says 64 MiB at most; gRPC in Python takes 4 unless it is told.
MAX_MESSAGE = 64 << 20


def certificate():
    """Makes a key, and a certificate for localhost that it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=1)).not_valid_after(now + datetime.timedelta(days=365))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256()))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem, cert


def controller(stop):
    """The service by which the host ends the program."""

    def shutdown(_request, _context):
        threading.Thread(target=stop, daemon=True).start()
        return b""

    handler = grpc.unary_unary_rpc_method_handler(shutdown, lambda b: b, lambda b: b)
    return grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": handler})


def serve(add):
    """Serves until the host ends the program, or is gone."""
    if os.environ.get("MOLDCTL_PLUGIN") != "moldctl.plugin.v1":
        sys.exit("This program is a plugin of moldctl, which starts it.")
    parent = os.getppid()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=32), options=[
        ("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)])
    add(server)
    checks = health.HealthServicer()
    checks.set("plugin", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    over = threading.Event()
    server.add_generic_rpc_handlers((controller(over.set),))

    key, cert = certificate()
    credentials = grpc.ssl_server_credentials(
        [(key, cert.public_bytes(serialization.Encoding.PEM))],
        root_certificates=os.environ["PLUGIN_CLIENT_CERT"].encode(), require_client_auth=True)
    with tempfile.TemporaryDirectory(prefix="plugin", dir=os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or None) as folder:
        path = os.path.join(folder, "s")
        server.add_secure_port("unix:" + path, credentials)
        server.start()
        der = base64.b64encode(cert.public_bytes(serialization.Encoding.DER)).decode().rstrip("=")
        print(f"1|1|unix|{path}|grpc|{der}", flush=True)
        while not over.wait(1) and os.getppid() == parent:
            pass
        server.stop(0)
    time.sleep(0.05)  # for the answer to Shutdown
    os._exit(0)  # whatever still waits for the cloud
