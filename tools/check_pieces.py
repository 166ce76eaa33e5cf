#!/usr/bin/env python3
"""Compare our pre-tokenizers with the reference library's on random strings.

usage: check_pieces.py [strings a component] [seed]
       check_pieces.py --vectors > tests/text/pieces_data.c
"""
import json
import sys

from tokenizers import Tokenizer, models

import hardtext
import textlib

VISIBLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
HIDDEN = [b for b in range(256) if b not in VISIBLE]
TO_BYTE = {chr(b): b for b in VISIBLE} | {chr(0x100 + i): b
                                          for i, b in enumerate(HIDDEN)}


def scanner_patterns():
    i, lib = 0, textlib.LIB
    lib.scanner_pattern.restype = textlib.c.c_char_p
    while (p := lib.scanner_pattern(textlib.c.c_size_t(i))) is not None:
        yield p.decode()
        i += 1


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior,
            "invert": invert}


def specs():
    for p in scanner_patterns():
        yield split(p)
    for behavior in ("Removed", "Isolated", "Contiguous", "MergedWithPrevious",
                     "MergedWithNext"):
        for invert in (False, True):
            yield split(r"\s+", behavior, invert)
            yield split(r"\p{N}", behavior, invert)
            yield split(r"(?=(\d{3})+(?!\d))", behavior, invert)
            yield split("'", behavior, invert, "String")
        yield {"type": "Punctuation", "behavior": behavior}
    yield split("", kind="String")
    yield split("", "MergedWithNext", kind="String")
    byte_level = {"type": "ByteLevel", "add_prefix_space": False,
                  "trim_offsets": True, "use_regex": True}
    yield byte_level
    yield byte_level | {"add_prefix_space": True}
    yield byte_level | {"add_prefix_space": True, "use_regex": False}
    for scheme in ("always", "first", "never"):
        for cut in (True, False):
            yield {"type": "Metaspace", "replacement": "\u2581",
                   "prepend_scheme": scheme, "split": cut}
    for simple in ("Whitespace", "WhitespaceSplit", "BertPreTokenizer",
                   "UnicodeScripts"):
        yield {"type": simple}
    yield {"type": "Digits", "individual_digits": True}
    yield {"type": "Digits", "individual_digits": False}
    yield {"type": "CharDelimiterSplit", "delimiter": "\u4e2d"}
    yield {"type": "FixedLength", "length": 3}
    yield {"type": "Sequence", "pretokenizers": [
        {"type": "Punctuation", "behavior": "Contiguous"}, byte_level,
        {"type": "Digits", "individual_digits": False},
        split("[0-9][0-9][0-9]")]}
    yield {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"},
        {"type": "Metaspace", "replacement": "\u2581",
         "prepend_scheme": "first", "split": True}]}


def reference(spec):
    blank = json.loads(Tokenizer(models.BPE()).to_str())
    blank["pre_tokenizer"] = spec
    return Tokenizer.from_str(json.dumps(blank)).pre_tokenizer


def literal(data, indent):
    """A C string, in as many lines as it needs."""
    lines, line = [], ""
    for byte in data:
        plain = 0x20 <= byte < 0x7F and byte not in b"\"\\?"
        line += chr(byte) if plain else f"\\{byte:03o}"
        if len(line) > 68 - indent:
            lines.append(line)
            line = ""
    lines.append(line)
    return ("\n" + " " * indent).join(f'"{part}"' for part in lines)


def reference_pieces(theirs, spec, text):
    pieces = [p for p, _ in theirs.pre_tokenize_str(text)]
    if spec["type"] == "ByteLevel":
        return [bytes(TO_BYTE[ch] for ch in p) for p in pieces]
    return [p.encode() for p in pieces]


def vectors(each=3):
    """A few strings a component; none that has a "|" or a zero byte."""
    texts = (t for t in hardtext.strings(100000, 5, 12)
             if 6 < len(t) and not {"|", "\0", "\u1c90"} & set(t))
    print('/* Written by tools/check_pieces.py; do not edit. */')
    print('#include "text/pieces_data.h"\n')
    rows, names = [], []
    for i, spec in enumerate(specs()):
        theirs = reference(spec)
        names.append(json.dumps(spec, ensure_ascii=False).encode())
        for _ in range(each):
            text = next(texts)
            pieces = b"|".join(reference_pieces(theirs, spec, text))
            rows.append(f"    {{ {i}, {len(text.encode())},\n"
                        f"      {literal(text.encode(), 6)},\n"
                        f"      {literal(pieces, 6)} }},")
    print("const char *const pieces_specs[] = {")
    for name in names:
        print(f"    {literal(name, 4)},")
    print("};\n\nconst struct pieces_row pieces_rows[] = {")
    print("\n".join(rows))
    print("};\nconst size_t n_pieces_rows =\n"
          "    sizeof pieces_rows / sizeof pieces_rows[0];")


def main():
    if sys.argv[1:] == ["--vectors"]:
        vectors()
        return 0
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    failed = 0
    texts = list(hardtext.strings(n, seed))
    for spec in specs():
        text = json.dumps(spec, ensure_ascii=False)
        theirs = reference(spec)
        try:
            ours = textlib.Pretokenizer(text)
        except textlib.Error as e:
            print("REFUSED", text[:100], e)
            failed += 1
            continue
        bad = 0
        for s in texts:
            want = reference_pieces(theirs, spec, s)
            got = ours.pieces(s)
            if got != want:
                bad += 1
                if bad <= 3:
                    print("  text", repr(s), "\n  want",
                          [w.decode("utf-8", "replace") for w in want],
                          "\n  got ",
                          [g.decode("utf-8", "replace") for g in got])
        print("ok  " if bad == 0 else "FAIL", bad, text[:100], flush=True)
        failed += bad > 0
    print(f"{failed} components differ")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
