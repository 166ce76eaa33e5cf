#!/usr/bin/env python3
"""Compare `osmia tokenize` and `detokenize` with the tokenizers library on
random hard strings.

    tok_random.py PROGRAM MODEL_DIR [--n 100000] [--seed 1] [--show 5]

MODEL_DIR has a tokenizer.json.  Strings are put together from fragments that
are known to be hard: runs of white space, combining marks, digits of several
scripts, contractions, emoji, the tokenizer's own added tokens and parts of
them, texts of its vocabulary.  Code points that are not assigned in Unicode 15
are left out: libraries differ on the newest ones.  Each string is encoded with
special tokens parsed and not; what comes out is decoded with and without
hiding special tokens, and so are random ids.  Exit status 1: there were
differences.
"""
import argparse
import json
import random
import subprocess
import sys
import threading
import unicodedata

from tokenizers import Tokenizer

FRAGMENTS = """
 |  |   |\t|\n|\n\n|\r\n|\r|\x0b|\x0c|\x1f|\x00|\x85|\xa0|\u1680|\u2003|\u2028
\u2029|\u3000|\u200b|\ufeff|'s|'t|'re|'VE|'m|'LL|'d|\u2019s|' era|y'all|''s|I'm
3|33|333|3333333|3.3|\u00b2|\u00bc|\u2165|\u3007|\u0663\u0664|\u096a|\uff11|1a
!|!!!|------|====|...|"|`|\u00ab|\u2026|\uff0c|\u3002|/|\\|//|#|$|+|<|>|~|^|_|__
e\u0301|\u00e9|\u1ebf|e\u0302\u0301|\u0301|a\u0327\u0301|\u200d|\u200c|\ufe0f
\u1112\u1161\u11ab|\ud55c|\uac00|\u304b\u3099|\u304c|\u2126|\ufb01|\u01c6|\u1e9b\u0323
\u0130|\u0131|\u017f|\u212a|\u03a3|\u03c2|\u00df|\u1e9e|STRASSE|\u0418\u0306
\U0001f600|\U0001f636\u200d\U0001f32b\ufe0f|\U0001f44d\U0001f3fd|\U0001f1e9\U0001f1ea|1\ufe0f\u20e3
\u043d\u0435\u0449\u043e|\u05e9\u05dc\u05d5\u05dd|\u0645\u0631\u062d\u0628\u0627|\u0928\u092e\u0938\u094d\u0924\u0947|\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35|\u1780\u17b6\u1793
\u4e2d\u6587|\u65e5\u672c\u8a9e|\u3053\u3093|\u30ab\u30bf|C\u1eeda Vi\u1ec7t|\u5929|\u9f8d
\u2581|\u2581\u2581|<0x0A>|<0x+F>|\u0120|\u010a|##|</w>|[UNK]|<unk>|<s>|</s>|[CLS]|[MASK]
hello|Hello|HELLO|world|the|The|ing|camelCase|HTTPServer|don't|x|A|\ue000|\U0010ffff
""".strip("\n")


def fragments():
    out = []
    for line in FRAGMENTS.split("\n"):
        out += [f for f in line.split("|") if f]
    return out + ["|", " ", "\n", "\r", "\r\n", "\x85", "\u2028"]


def assigned(text):
    return all(unicodedata.category(c) != "Cn" or ord(c) > 0xffff
               for c in text)


class Maker:
    def __init__(self, tokenizer, seed):
        self.r = random.Random(seed)
        self.own = fragments()
        added = tokenizer.get_added_tokens_decoder().values()
        self.added = [a.content for a in added][:400]
        self.vocab = [t for t in tokenizer.get_vocab() if assigned(t)]
        self.vocab.sort()

    def char(self):
        while True:
            top = self.r.choice([0x80, 0x250, 0x800, 0x3100, 0xa000, 0x1fa00])
            c = chr(self.r.randrange(top))
            if not 0xd800 <= ord(c) < 0xe000 and assigned(c):
                return c

    def fragment(self):
        r = self.r
        k = r.random()
        if k < 0.55:
            return r.choice(self.own)
        if k < 0.70:
            t = r.choice(self.vocab)
            return t if r.random() < 0.5 else t.replace("\u0120", " ")
        if k < 0.80 and self.added:
            t = r.choice(self.added)
            cut = r.random()
            return t if cut < 0.8 else t[:r.randrange(len(t) + 1)]
        if k < 0.90:
            return self.char()
        return r.choice(self.own) * r.randrange(1, 9)

    def text(self):
        n = 1 + min(int(self.r.expovariate(0.15)), 60)
        return "".join(self.fragment() for _ in range(n))


def run(program, verb, model, lines):
    p = subprocess.Popen([program, verb, model, "--jsonl"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def feed():
        for line in lines:
            p.stdin.write(line.encode() + b"\n")
        p.stdin.close()

    thread = threading.Thread(target=feed)
    thread.start()
    out = [json.loads(line) for line in p.stdout]
    thread.join()
    p.wait()
    if len(out) != len(lines):
        sys.exit(f"{verb}: {len(out)} answers to {len(lines)} lines")
    return out


def compare(name, asked, got, want, show):
    bad = [i for i in range(len(want)) if got[i] != want[i]]
    for i in bad[:show]:
        print(f"{name} {asked[i]!r}:\n  got  {got[i]!r}\n  want {want[i]!r}")
    return len(bad)


def check_encode(args, tokenizer, texts, parse):
    tokenizer.encode_special_tokens = not parse
    want, kept = [], []
    for t in texts:
        try:
            want.append(tokenizer.encode(t, add_special_tokens=False).ids)
            kept.append(t)
        except Exception:       # the library's own bugs are not compared
            pass
    lines = [json.dumps({"text": t, "add_special": False,
                         "parse_special": parse}) for t in kept]
    got = run(args.program, "tokenize", args.model, lines)
    return compare(f"parse_special={parse}", kept, got, want, args.show), want


def check_decode(args, tokenizer, lists, skip):
    want = [tokenizer.decode(ids, skip_special_tokens=skip) for ids in lists]
    lines = [json.dumps({"tokens": ids, "skip_special": skip})
             for ids in lists]
    got = run(args.program, "detokenize", args.model, lines)
    return compare(f"decode skip={skip}", lists, got, want, args.show)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("model")
    p.add_argument("--n", type=int, default=100000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--show", type=int, default=5)
    args = p.parse_args()
    tokenizer = Tokenizer.from_file(args.model + "/tokenizer.json")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    maker = Maker(tokenizer, args.seed)
    texts = [maker.text() for _ in range(args.n)]
    bad, lists = check_encode(args, tokenizer, texts, True)
    bad += check_encode(args, tokenizer, texts, False)[0]
    ids = sorted(tokenizer.get_vocab().values())
    lists = lists[:args.n // 2]
    lists += [maker.r.choices(ids, k=maker.r.randrange(1, 12))
              for _ in range(args.n // 2)]
    bad += check_decode(args, tokenizer, lists, False)
    bad += check_decode(args, tokenizer, lists, True)
    print(f"{args.model}: {4 * args.n} comparisons, {bad} differences")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
