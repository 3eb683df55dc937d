#!/usr/bin/env python3
"""N objects of one study from one file: each has its own SOP Instance UID of the same length, and is otherwise the same.

    copies.py FILE FOLDER N [FIRST [PADDING]]

PADDING bytes stand behind the pixel data, in (FFFC,FFFC); FILE must be explicit little endian then.

The UID's last digits are replaced, wherever the whole UID stands, so lengths in the file stay right."""
import os, re, sys

source, folder, count = open(sys.argv[1], "rb").read(), sys.argv[2], int(sys.argv[3])
first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
uid = re.search(rb"\x08\x00\x18\x00UI..([0-9.]+)", source, re.S).group(1)
assert len(uid) > 12
if len(sys.argv) > 5:
    padding = int(sys.argv[5])
    source += b"\xfc\xff\xfc\xffOB\0\0" + padding.to_bytes(4, "little") + bytes(padding)
os.makedirs(folder, exist_ok=True)
for n in range(first, first + count):
    new = uid[:-6].rstrip(b".") 
    new = new[:len(uid) - 7] + b"." + b"%d" % (100000 + n)
    assert len(new) == len(uid) and b".." not in new, new
    with open("%s/%06d" % (folder, n), "wb") as f:
        f.write(source.replace(uid, new))
