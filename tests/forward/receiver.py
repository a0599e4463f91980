# A receiver of logs: receiver.py http|tcp|udp|unix ADDRESS FILE
# Each line or message that arrives is appended to FILE before it is acknowledged; what does not
# parse ends up in FILE.bad. The port is written to FILE.port.
import gzip, http.server, os, re, socket, sys

kind, address, path = sys.argv[1:]
out = open(path, "ab", buffering=0)
RFC5424 = re.compile(
    rb"<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) "
    rb"((?:\[[!-~]+(?: [!-~]+?=\"(?:[^\"\\\]]|\\[\"\\\]])*\")*\])+|-)(?: (.*))?", re.S)

def bad(what):
    with open(path + ".bad", "ab") as file:
        file.write(what + b"\n")

def message(data):
    found = RFC5424.fullmatch(data)
    if not found or int(found[1]) > 191:
        return bad(data)
    out.write(b" ".join([found[1], found[4], found[5], found[7], found[8] or b""]) + b"\n")

def ready(port):
    with open(path + ".port.tmp", "w") as file:
        file.write(str(port))
    os.rename(path + ".port.tmp", path + ".port")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.headers.get("x-key") != "s3cr3t" or not body.endswith(b"\n"):
            bad(str(self.headers).encode())
        out.write(body)
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass

if kind == "http":
    server = http.server.HTTPServer(("127.0.0.1", int(address)), Handler)
    ready(server.server_port)
    server.serve_forever()
elif kind == "tcp":
    server = socket.create_server(("127.0.0.1", int(address)))
    ready(server.getsockname()[1])
    while True:
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as stream:
            while True:
                digits = b""
                while (byte := stream.read(1)) and byte != b" ":
                    digits += byte
                if not byte:
                    if digits:
                        bad(b"torn: " + digits)
                    break
                if not re.fullmatch(rb"[1-9]\d*", digits):
                    bad(b"no length: " + digits)
                    break
                data = stream.read(int(digits))
                if len(data) < int(digits):
                    break
                message(data)
else:
    if kind == "udp":
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", int(address)))
        ready(server.getsockname()[1])
    else:
        server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        server.bind(address)
        ready(0)
    while True:
        message(server.recv(1 << 17))
