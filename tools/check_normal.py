#!/usr/bin/env python3
"""Compare our normalizers with the reference library's on random strings.

usage: check_normal.py [strings a component] [seed] [charsmap file ...]

The reference's tables of marks, controls and normal forms are of older Unicode
versions; strings with characters newer than that are left out.
"""
import base64
import json
import sys
import unicodedata

from tokenizers import Tokenizer, models

import hardtext
import textlib


def specs(charsmaps):
    for simple in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents",
                   "Nmt", "ByteLevel"):
        yield {"type": simple}
    yield {"type": "Prepend", "prepend": "\u2581"}
    for left in (False, True):
        for right in (False, True):
            yield {"type": "Strip", "strip_left": left, "strip_right": right}
    for kind, pattern in (("String", " "), ("String", ""), ("Regex", r"\s+"),
                          ("Regex", r"\p{N}{1,3}"),
                          ("Regex", r"(?=(\d{3})+(?!\d))")):
        yield {"type": "Replace", "pattern": {kind: pattern}, "content": "<>"}
    for bits in range(16):
        yield {"type": "BertNormalizer", "clean_text": bool(bits & 1),
               "handle_chinese_chars": bool(bits & 2),
               "strip_accents": None if bits & 8 else bool(bits & 4),
               "lowercase": bool(bits & 4)}
    yield {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "\u2581"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
    yield {"type": "Sequence", "normalizers": [
        {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"},
        {"type": "Strip", "strip_left": True, "strip_right": True}]}
    for path in charsmaps:
        yield {"type": "Precompiled", "precompiled_charsmap":
               base64.b64encode(open(path, "rb").read()).decode()}


def reference(spec):
    blank = json.loads(Tokenizer(models.BPE()).to_str())
    blank["normalizer"] = spec
    return Tokenizer.from_str(json.dumps(blank)).normalizer


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    failed = 0
    texts = list(hardtext.strings(n, seed))
    for spec in specs(sys.argv[3:]):
        text = json.dumps(spec, ensure_ascii=False)
        theirs, bad = reference(spec), 0
        ours = textlib.Normalizer(text)
        for s in texts:
            want = theirs.normalize_str(s).encode()
            got = ours.apply(s)
            if got != want:
                bad += 1
                if bad <= 3:
                    print("  text", ascii(s), "\n  want", ascii(want.decode()),
                          "\n  got ", ascii(got.decode("utf-8", "replace")))
        print("ok  " if bad == 0 else "FAIL", bad, text[:100], flush=True)
        failed += bad > 0
    # By longest prefix there is no reference; plain forms must agree.
    for path in sys.argv[3:]:
        ours = textlib.Normalizer(charsmap=open(path, "rb").read())
        print("longest prefix:", sum(
            ours.apply(chr(c)).decode() == unicodedata.normalize("NFKC", chr(c))
            for c in range(0xA1, 0xD800)), "of", 0xD800 - 0xA1, "as NFKC")
    print(f"{failed} components differ")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
