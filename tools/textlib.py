"""The text part of Osmia as a Python module, for checks against the reference.

Compiles src/base and src/text into a shared library in a temporary folder.
"""
import ctypes as c
import glob
import os
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Slice(c.Structure):
    _fields_ = [("at", c.c_char_p), ("len", c.c_size_t)]


class ErrInfo(c.Structure):
    _fields_ = [("code", c.c_int), ("text", c.c_char * 1024)]


class Strbuf(c.Structure):
    _fields_ = [("at", c.c_void_p), ("len", c.c_size_t), ("cap", c.c_size_t),
                ("failed", c.c_bool), ("limit", c.c_size_t)]

    def bytes(self):
        return c.string_at(self.at, self.len) if self.len else b""


class Arena(c.Structure):
    _fields_ = [("chunks", c.c_void_p), ("total", c.c_size_t),
                ("limit", c.c_size_t)]


class Piece(c.Structure):
    _fields_ = [("at", c.c_size_t), ("len", c.c_size_t)]


class Pieces(c.Structure):
    _fields_ = [("bytes", Strbuf), ("at", c.POINTER(Piece)),
                ("n", c.c_size_t), ("cap", c.c_size_t)]


class PreFacts(c.Structure):
    _fields_ = [("ignore_merges", c.c_bool), ("adds_bos", c.c_bool),
                ("byte_level", c.c_bool), ("nfc", c.c_bool)]


def build():
    folder = tempfile.mkdtemp(prefix="osmia-text-")
    path = os.path.join(folder, "text.so")
    sources = [f for f in glob.glob(TOP + "/src/base/*.c")
               + glob.glob(TOP + "/src/text/*.c")]
    subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-g", "-shared",
                    "-fPIC", "-I", TOP + "/src", "-o", path, *sources,
                    "-lpcre2-8", "-lutf8proc", "-lxxhash", "-lm", "-lpthread"],
                   check=True)
    lib = c.CDLL(path)
    for name in ("json_parse", "pretokenizer_apply", "normalizer_apply",
                 "pretokenizer_open_named", "normalizer_open_charsmap"):
        if hasattr(lib, name):
            getattr(lib, name).restype = c.c_int
    return lib


LIB = build()


def slice_of(data):
    return Slice(data, len(data))


class Error(Exception):
    pass


def check(code, why):
    if code:
        raise Error(why.text.decode("utf-8", "replace"))


def parse(arena, text):
    why, out = ErrInfo(), c.c_void_p()
    data = text.encode()
    check(LIB.json_parse(c.byref(out), c.byref(arena), slice_of(data), 64,
                         c.byref(why)), why)
    return out


class Pretokenizer:
    def __init__(self, spec=None, name=None):
        self.at, why = c.c_void_p(), ErrInfo()
        if name is not None:
            facts = PreFacts()
            check(LIB.pretokenizer_open_named(
                c.byref(self.at), c.byref(facts), slice_of(name.encode()),
                c.byref(why)), why)
            self.facts = facts
            return
        arena = Arena()
        json = parse(arena, spec)
        code = LIB.pretokenizer_open(c.byref(self.at), json, c.byref(why))
        LIB.arena_drop(c.byref(arena))
        check(code, why)

    def pieces(self, text, at_start=True):
        out, why = Pieces(), ErrInfo()
        data = text.encode() if isinstance(text, str) else text
        check(LIB.pretokenizer_apply(self.at, slice_of(data),
                                     c.c_bool(at_start), c.byref(out),
                                     c.byref(why)), why)
        raw = out.bytes.bytes()
        got = [raw[p.at:p.at + p.len] for p in out.at[:out.n]]
        LIB.pieces_drop(c.byref(out))
        return got


class Normalizer:
    def __init__(self, spec=None, charsmap=None):
        self.at, why = c.c_void_p(), ErrInfo()
        if charsmap is not None:
            self.blob = charsmap
            check(LIB.normalizer_open_charsmap(
                c.byref(self.at), slice_of(charsmap), c.byref(why)), why)
            return
        arena = Arena()
        json = parse(arena, spec)
        code = LIB.normalizer_open(c.byref(self.at), json, c.byref(why))
        LIB.arena_drop(c.byref(arena))
        check(code, why)

    def apply(self, text):
        out, why = Strbuf(), ErrInfo()
        data = text.encode() if isinstance(text, str) else text
        check(LIB.normalizer_apply(self.at, slice_of(data), c.byref(out),
                                   c.byref(why)), why)
        got = out.bytes()
        LIB.strbuf_drop(c.byref(out))
        return got
