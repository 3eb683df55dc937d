"""A small MLLP sender: mllp.py PORT CHARSET FILE...   sends each file (UTF-8 text, lines are segments) in this character set on
one connection and prints each answer as UTF-8, one segment a line. --raw sends the bytes as they are; --split N in pieces of N."""
import socket
import sys

args = sys.argv[1:]
raw = "--raw" in args
split = int(args[args.index("--split") + 1]) if "--split" in args else 0
if split:
    del args[args.index("--split"):args.index("--split") + 2]
args = [a for a in args if a != "--raw"]
port, charset, files = int(args[0]), args[1], args[2:]
s = socket.create_connection(("127.0.0.1", port), timeout=20)
buffer = b""
out = b""
for f in files:
    data = open(f, "rb").read()
    if not raw:
        data = data.decode("utf-8").strip("\n").replace("\n", "\r").encode(charset) + b"\r"
    out += b"\x0b" + data + b"\x1c\r"
if split:
    for i in range(0, len(out), split):
        s.sendall(out[i:i + split])
else:
    s.sendall(out)
for f in files:
    while b"\x1c\r" not in buffer:
        more = s.recv(65536)
        if not more:
            print("CLOSED")
            sys.exit(1)
        buffer += more
    answer, buffer = buffer.split(b"\x1c\r", 1)
    print(answer.lstrip(b"\x0b").decode(charset, "replace").replace("\r", "\n"), end="")
