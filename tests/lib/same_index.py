#!/usr/bin/python3
"""same_index.py OLD NEW COMPRESSED - is the index NEW, made from the files, the OLD one, table by table?

Everything, but: the header of a compressed image (other photometric interpretation), times of the quarantine, the list of
refused callers, the identity of the index itself and how far it is known to be durable. At least COMPRESSED images must have been compressed. Exit 0: equal.
"""
import sqlite3, sys

a, b = (sqlite3.connect(p) for p in sys.argv[1:3])
failed = compressed = 0
for (t,) in a.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").fetchall():
    columns = [c[1] for c in a.execute("PRAGMA table_info(%s)" % t)]
    if t in ("unknown_ae", "garbage", "damage", "identity", "durable"):
        continue
    if t == "quarantine":
        columns.remove("at_ms")
    if t == "term":
        continue                # numbers of texts: compared where they are used
    text = {"instance": ("sop_class", "ts", "calling", "address"), "header_ref": ("calling", "sop_class")}.get(t, ())
    wanted = ", ".join("(SELECT text FROM term WHERE term.id = %s.%s)" % (t, c) if c in text else c for c in columns)
    where = " WHERE instance IN (SELECT id FROM instance WHERE digest = received_digest)" if t == "header" else ""
    x, y = (d.execute("SELECT %s FROM %s%s ORDER BY 1, 2" % (wanted, t, where)).fetchall() for d in (a, b))
    for r, s in zip(x, y):
        if r != s:
            failed += 1
            print(t, [(c, p, q) for c, p, q in zip(columns, r, s) if p != q])
    if len(x) != len(y):
        failed += 1
        print(t, len(x), "rows, then", len(y))
    print(t, len(x), "rows equal" if not failed else "")
compressed = a.execute("SELECT count(*) FROM instance WHERE digest <> received_digest").fetchone()[0]
print(compressed, "images were compressed")
sys.exit(bool(failed) or compressed < int(sys.argv[3]))
