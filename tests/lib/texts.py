"""texts.py FILE - the texts of a DICOM file as pydicom reads them, in the form of test-data/texts.c."""
import sys
import warnings

import pydicom

warnings.simplefilter("ignore")
TEXT = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}


def shown(value):
    return "".join("\\%02x" % ord(c) if c < " " or c == "\\" else c for c in value)


def texts(ds, path):
    for el in ds:
        name = "%s%08X" % (path, el.tag)
        if el.tag >= 0x7FE00008:
            return
        if el.tag.is_private and el.VR != "SQ":
            continue
        if el.VR == "SQ":
            for n, item in enumerate(el.value):
                texts(item, "%s/%d/" % (name, n))
        elif el.VR in TEXT:
            values = el.value if isinstance(el.value, pydicom.multival.MultiValue) else [el.value]
            print(name, shown("\\".join("" if v is None else str(v) for v in values)))


texts(pydicom.dcmread(sys.argv[1], force=True), "")
