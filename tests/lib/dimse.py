"""A DICOM requestor of its own making, for N-CREATE and N-SET, which stock tools do not send. Implicit VR little endian.

  dimse.py PORT CALLING CALLED CLASS STEP...      on one association, one after the other
    create:UID:FILE   N-CREATE with the data set of FILE (dump2dcm's output); UID may be empty
    set:UID:FILE      N-SET
    find::FILE        C-FIND; prints the text of each answer instead
prints for each: status (hex), error ID (hex or -), instance UID, comment."""
import socket
import struct
import sys


def element(tag, value):
    value += b"\0" if len(value) % 2 else b""
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def uid(text):
    b = text.encode()
    return b + b"\0" if len(b) % 2 else b


def command(elements):
    body = b"".join(element(t, v) for t, v in sorted(elements))
    return element(0x00000000, struct.pack("<I", len(body))) + body


def parse(body):
    out, at = {}, 0
    while at + 8 <= len(body):
        g, e, n = struct.unpack_from("<HHI", body, at)
        out[g << 16 | e] = body[at + 8:at + 8 + n]
        at += 8 + n
    return out


def pdu(kind, body):
    return struct.pack(">BBI", kind, 0, len(body)) + body


def item(kind, body):
    return struct.pack(">BBH", kind, 0, len(body)) + body


def read_exactly(s, n):
    b = b""
    while len(b) < n:
        more = s.recv(n - len(b))
        if not more:
            raise SystemExit("closed by the peer")
        b += more
    return b


def read_pdu(s):
    kind, _, n = struct.unpack(">BBI", read_exactly(s, 6))
    return kind, read_exactly(s, n)


def dataset(path):
    """Implicit VR LE data set of a Part 10 file written with dump2dcm +ti."""
    raw = open(path, "rb").read()
    n = struct.unpack_from("<I", raw, 132 + 8)[0]
    return raw[132 + 12 + n:]


def find(s, abstract, number, d):
    c = command([(0x00000002, uid(abstract)), (0x00000100, struct.pack("<H", 0x0020)), (0x00000110, struct.pack("<H", number)),
                 (0x00000700, struct.pack("<H", 0)), (0x00000800, struct.pack("<H", 1))])
    s.sendall(pdu(4, struct.pack(">IBB", len(c) + 2, 1, 3) + c) + pdu(4, struct.pack(">IBB", len(d) + 2, 1, 2) + d))
    is_over = False
    while not is_over:
        body = read_pdu(s)[1]
        while body:
            n, _, flags = struct.unpack_from(">IBB", body)
            piece, body = body[6:4 + n], body[4 + n:]
            if flags & 1:
                is_over = struct.unpack("<H", parse(piece)[0x00000900])[0] not in (0xFF00, 0xFF01)
            else:
                print("".join(ch if ch.isprintable() else " " for ch in piece.decode("utf-8", "replace")))


def main():
    port, calling, called, abstract = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    s = socket.create_connection(("127.0.0.1", port), timeout=30)
    rq = struct.pack(">HH", 1, 0) + called.encode().ljust(16) + calling.encode().ljust(16) + bytes(32)
    rq += item(0x10, b"1.2.840.10008.3.1.1.1")
    rq += item(0x20, bytes([1, 0, 0, 0]) + item(0x30, abstract.encode()) + item(0x40, b"1.2.840.10008.1.2"))
    rq += item(0x50, item(0x51, struct.pack(">I", 65536)) + item(0x52, b"2.25.1"))
    s.sendall(pdu(1, rq))
    kind, body = read_pdu(s)
    if kind != 2:
        raise SystemExit("rejected")
    for number, step in enumerate(sys.argv[5:], 1):
        if step.startswith("find:"):
            find(s, abstract, number, dataset(step.split(":", 2)[2]))
            continue
        what, instance, path = step.split(":", 2)
        field, tags = (0x0140, (0x00000002, 0x00001000)) if what == "create" else (0x0120, (0x00000003, 0x00001001))
        elements = [(tags[0], uid(abstract)), (0x00000100, struct.pack("<H", field)), (0x00000110, struct.pack("<H", number)),
                    (0x00000800, struct.pack("<H", 1))]
        if instance:
            elements.append((tags[1], uid(instance)))
        c, d = command(elements), dataset(path)
        s.sendall(pdu(4, struct.pack(">IBB", len(c) + 2, 1, 3) + c))
        while True:
            piece, d = d[:60000], d[60000:]
            s.sendall(pdu(4, struct.pack(">IBB", len(piece) + 2, 1, 0 if d else 2) + piece))
            if not d:
                break
        kind, body = read_pdu(s)
        if kind != 4:
            raise SystemExit("PDU %d instead of an answer" % kind)
        r = parse(body[6:])
        get = lambda t: r.get(t, b"")
        error_id = get(0x00000903)
        print("%04X %s %s %s" % (struct.unpack("<H", get(0x00000900))[0], "%04X" % struct.unpack("<H", error_id) if error_id else "-",
                                 get(0x00001000).rstrip(b"\0 ").decode() or "-", get(0x00000902).rstrip(b"\0 ").decode()))
    s.sendall(pdu(5, bytes(4)))


main()
