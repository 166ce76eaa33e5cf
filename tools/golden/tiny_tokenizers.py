#!/usr/bin/env python3
"""Write tests/text/data/tok_*.json: tiny tokenizers that between them use every
component of tokenizer.json, each with strings, their ids and decoded texts as
the tokenizers library (0.23) gives them.

    tiny_tokenizers.py OUT_DIR
"""
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from tok_random import Maker, assigned    # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers, trainers  # noqa: E402

CORPUS = """
The quick brown fox jumps over the lazy dog. It's the dog that doesn't mind.
In 2024, 1234567 people said hello world; 33 of them said hello again!
def main(argc, argv):    return argc + 1    # a comment, "quoted"
Voil\u00e0 un \u00e9t\u00e9 tr\u00e8s chaud. \u041f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440. \u4f60\u597d\u4e16\u754c\u3002 \u3053\u3093\u306b\u3061\u306f
hello hello hello the the the world world of of of and and and to to to
""".strip()
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
MARK = "\u2581"


def added(i, content, **flags):
    d = {"id": i, "content": content, "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": False, "special": False}
    d.update(flags)
    return d


def tokenizer(model, extra, **parts):
    d = {"version": "1.0", "truncation": None, "padding": None}
    n = len(model["vocab"])
    for a in extra:
        if a["content"] in model["vocab"]:
            a["id"] = model["vocab"][a["content"]]
        elif a["id"] is None:
            a["id"] = n
            n += 1
    d["added_tokens"] = extra
    for key in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
        d[key] = parts.get(key)
    d["model"] = model
    return d


def byte_level(prefix=False, regex=True):
    return {"type": "ByteLevel", "add_prefix_space": prefix,
            "trim_offsets": True, "use_regex": regex}


def template(before, after):
    def special(t):
        return {"SpecialToken": {"id": t[0], "type_id": 0}}
    a = {"Sequence": {"id": "A", "type_id": 0}}
    single = [special(t) for t in before] + [a] + [special(t) for t in after]
    return {"type": "TemplateProcessing", "single": single, "pair": single
            + [{"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {t[0]: {"id": t[0], "ids": [t[1]],
                                      "tokens": [t[0]]}
                               for t in before + after}}


def sequence(key, *items):
    return {"type": "Sequence", key: list(items)}


def replace(a, b, regex=False):
    return {"type": "Replace", "pattern": {"Regex" if regex else "String": a},
            "content": b}


def train_bytes(size, special=()):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(CORPUS.split("\n"), trainers.BpeTrainer(
        vocab_size=size, show_progress=False, special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return json.loads(t.to_str())["model"]


def train_chars(size, special, texts, **kw):
    t = Tokenizer(models.BPE())
    t.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, show_progress=False, special_tokens=list(special),
        **kw))
    return json.loads(t.to_str())["model"]


def hexes(but=()):
    return [f"<0x{b:02X}>" for b in range(256) if b not in but]


def spm_texts():
    return [MARK + line.replace(" ", MARK) for line in CORPUS.split("\n")]


def words():
    return [w for line in CORPUS.split("\n") for w in line.split()]


BYTE_DECODER = byte_level(True)
SPM_DECODER = sequence("decoders", replace(MARK, " "), {"type": "ByteFallback"},
                       {"type": "Fuse"}, {"type": "Strip", "content": " ",
                                          "start": 1, "stop": 0})
STRIPPING = [dict(lstrip=True), dict(rstrip=True),
             dict(lstrip=True, rstrip=True), dict(single_word=True)]


def strippers():
    names = ["<L>", "<R>", "<LR>", "word"]
    return [added(None, n, **f) for n, f in zip(names, STRIPPING)]


def make_llama3():
    m = train_bytes(420)
    m["ignore_merges"] = True
    m["vocab"]["doesn"] = len(m["vocab"])       # reached by no merge
    n = len(m["vocab"])
    return tokenizer(
        m, [added(None, "<|begin|>", special=True),
            added(None, "<|end|>", special=True)] + strippers(),
        pre_tokenizer=sequence("pretokenizers", {
            "type": "Split", "pattern": {"Regex": LLAMA3},
            "behavior": "Isolated", "invert": False}, byte_level(False, False)),
        post_processor=sequence("processors", byte_level(),
                                template([("<|begin|>", n)],
                                         [("<|end|>", n + 1)])),
        decoder=BYTE_DECODER)


def make_gpt2():
    m = train_bytes(380, ["<|endoftext|>"])
    m["merges"] = [" ".join(p) for p in m["merges"]]
    return tokenizer(m, [added(0, "<|endoftext|>", special=True),
                         added(None, "  ", normalized=True),
                         added(None, "   ", normalized=True)],
                     normalizer={"type": "NFC"}, pre_tokenizer=byte_level(True),
                     post_processor={"type": "RobertaProcessing",
                                     "sep": ["<|endoftext|>", 0],
                                     "cls": ["<|endoftext|>", 0],
                                     "trim_offsets": True,
                                     "add_prefix_space": True},
                     decoder=BYTE_DECODER)


def make_llama2():
    special = ["<unk>", "<s>", "</s>"]
    m = train_chars(500, special + hexes(), spm_texts())
    m.update(unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    return tokenizer(m, [added(0, "<unk>", special=True, normalized=True),
                         added(1, "<s>", special=True, normalized=True),
                         added(2, "</s>", special=True, rstrip=True)]
                     + strippers(),
                     normalizer=sequence("normalizers", {
                         "type": "Prepend", "prepend": MARK},
                         replace(" ", MARK)),
                     post_processor=template([("<s>", 1)], []),
                     decoder=SPM_DECODER)


def make_metaspace():
    m = train_chars(200, ["[UNK]", "<s>"], spm_texts())
    m.update(unk_token="[UNK]")
    return tokenizer(m, [added(0, "[UNK]", special=True),
                         added(1, "<s>", special=True)],
                     pre_tokenizer={"type": "Metaspace", "replacement": MARK,
                                    "prepend_scheme": "first", "split": False},
                     decoder={"type": "Metaspace", "replacement": MARK,
                              "prepend_scheme": "always", "split": True})


def make_clip():
    m = train_chars(260, ["<|unk|>"], [w.lower() for w in words()],
                    end_of_word_suffix="</w>")
    m.update(unk_token="<|unk|>", fuse_unk=True, end_of_word_suffix="</w>")
    return tokenizer(m, [added(0, "<|unk|>", special=True)],
                     normalizer=sequence("normalizers", {"type": "NFC"},
                                         {"type": "Lowercase"}),
                     pre_tokenizer={"type": "WhitespaceSplit"},
                     post_processor={"type": "BertProcessing",
                                     "sep": ["<|unk|>", 0],
                                     "cls": ["<|unk|>", 0]},
                     decoder={"type": "BPEDecoder", "suffix": "</w>"})


def make_prefix():
    m = train_chars(260, ["<unk>"], words(), continuing_subword_prefix="##")
    m.update(unk_token="<unk>", continuing_subword_prefix="##")
    return tokenizer(m, [added(0, "<unk>", special=True, normalized=True)],
                     pre_tokenizer={"type": "Whitespace"},
                     decoder={"type": "WordPiece", "prefix": "##",
                              "cleanup": True})


def unigram(extra=()):
    pieces = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), (MARK, -3.5)]
    pieces += [(p, -9.0) for p in extra]
    counts = {}
    for w in words():
        for i in range(len(w)):
            for j in range(i + 1, min(len(w), i + 6) + 1):
                for p in (w[i:j], MARK + w[i:j] if i == 0 else w[i:j]):
                    counts[p] = counts.get(p, 0) + 1
    keep = sorted(counts, key=lambda p: (-counts[p] * len(p), p))[:330]
    # eighths: sums of scores are exact, and there are ties
    pieces += [(p, -8 + min(counts[p], 40) / 8) for p in keep if p != MARK]
    return {"type": "Unigram", "unk_id": 0, "vocab": [list(p) for p in pieces],
            "byte_fallback": bool(extra)}


def make_unigram():
    return tokenizer(unigram(), [added(0, "<unk>", special=True),
                                 added(2, "</s>", special=True)],
                     normalizer={"type": "NFKC"},
                     pre_tokenizer={"type": "Metaspace", "replacement": MARK,
                                    "prepend_scheme": "always", "split": True},
                     post_processor=template([], [("</s>", 2)]),
                     decoder={"type": "Metaspace", "replacement": MARK,
                              "prepend_scheme": "always", "split": True})


def make_unigram_bytes():
    return tokenizer(unigram(hexes()), [added(1, "<s>", special=True)],
                     normalizer=replace(" ", MARK),
                     post_processor=template([("<s>", 1)], []),
                     decoder=sequence("decoders", {"type": "ByteFallback"}, {
                         "type": "Metaspace", "replacement": MARK,
                         "prepend_scheme": "never", "split": True}))


def make_bert():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator([CORPUS.lower()], trainers.WordPieceTrainer(
        vocab_size=220, show_progress=False, special_tokens=special))
    m = json.loads(t.to_str())["model"]
    m["max_input_chars_per_word"] = 12
    return tokenizer(m, [added(i, s, special=True)
                         for i, s in enumerate(special)],
                     normalizer={"type": "BertNormalizer", "clean_text": True,
                                 "handle_chinese_chars": True,
                                 "strip_accents": None, "lowercase": True},
                     pre_tokenizer={"type": "BertPreTokenizer"},
                     post_processor=template([("[CLS]", 2)], [("[SEP]", 3)]),
                     decoder={"type": "WordPiece", "prefix": "##",
                              "cleanup": False})


def make_words():
    vocab = {w: i for i, w in enumerate(
        ["<pad>", "<unk>", "|"] + sorted(set(words()) | set("abch'sto0123")))}
    m = {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"}
    return tokenizer(m, [added(0, "<pad>", special=True)],
                     pre_tokenizer={"type": "WhitespaceSplit"},
                     decoder={"type": "CTC", "pad_token": "<pad>",
                              "word_delimiter_token": "|", "cleanup": True})


def make_plain():
    vocab = {w: i for i, w in enumerate(
        ["?"] + sorted(set("".join(words()))) + ["the", "33", "hello", "..."])}
    m = {"type": "WordLevel", "vocab": vocab, "unk_token": "?"}
    return tokenizer(m, [added(None, "<x>"), added(None, "<xy>"),
                         added(None, "<x><x>", special=True)],
                     pre_tokenizer=sequence(
                         "pretokenizers", {"type": "WhitespaceSplit"},
                         {"type": "Digits", "individual_digits": False},
                         {"type": "Punctuation", "behavior": "Contiguous"}))


def make_partial():
    """Some byte tokens are missing: bytes overtake a waiting unknown."""
    m = train_chars(480, ["<unk>"] + hexes(but=(0xE4, 0xCC, 0xF0)), words())
    m.update(unk_token="<unk>", fuse_unk=False, byte_fallback=True)
    return tokenizer(m, [added(0, "<unk>", special=True)],
                     normalizer={"type": "Strip", "strip_left": True,
                                 "strip_right": True},
                     decoder=sequence("decoders", {"type": "ByteFallback"}))


def make_late():
    """Steps behind a fusing one that need the whole text."""
    m = train_bytes(300)
    return tokenizer(m, [added(None, "<e>", special=True, normalized=True)],
                     normalizer=sequence("normalizers", {"type": "NFD"},
                                         {"type": "StripAccents"}),
                     pre_tokenizer=byte_level(False, False),
                     decoder=sequence("decoders", BYTE_DECODER,
                                      replace("he", "HE"), {
                                          "type": "Strip", "content": "o",
                                          "start": 0, "stop": 2},
                                      {"type": "Fuse"}))


def make_front():
    """What a normalizer drops at the front is no start for Metaspace; a
    BPEDecoder without a suffix finds it between all characters."""
    m = train_chars(200, ["[UNK]", "<s>"], spm_texts())
    m.update(unk_token="[UNK]")
    return tokenizer(m, [added(0, "[UNK]", special=True),
                         added(1, "<s>", special=True)],
                     normalizer=sequence(
                         "normalizers", replace("[!.#]", "", True),
                         replace("he", "the"),
                         {"type": "Strip", "strip_left": True,
                          "strip_right": False}),
                     pre_tokenizer={"type": "Metaspace", "replacement": MARK,
                                    "prepend_scheme": "first", "split": False},
                     decoder={"type": "BPEDecoder", "suffix": ""})


def cases(t, maker, n):
    out = []
    ids = sorted(t.get_vocab().values())
    for i in range(n):
        text = "" if i == 0 else maker.text()
        while len(text) > 60:
            text = maker.text()
        special, parse = [(1, 1), (0, 1), (0, 0)][i % 3]
        t.encode_special_tokens = not parse
        got = t.encode(text, add_special_tokens=bool(special)).ids
        out.append([text, special, parse, got])
    t.encode_special_tokens = False
    lists = [c[3] for c in out]
    lists += [maker.r.choices(ids, k=maker.r.randrange(1, 9))
              for _ in range(n // 2)]
    texts = [[i, t.decode(i, skip_special_tokens=False),
              t.decode(i, skip_special_tokens=True)] for i in lists if i]
    return out, texts


def put(out_dir, name, spec):
    t = Tokenizer.from_str(json.dumps(spec))
    encode, decode = cases(t, Maker(t, 7), 60)

    def line(v):
        return json.dumps(v, ensure_ascii=False, separators=(",", ":"))
    with open(os.path.join(out_dir, f"tok_{name}.json"), "w",
              encoding="utf-8") as f:
        f.write('{"tokenizer":' + line(spec) + ',\n"encode":[\n')
        f.write(",\n".join(line(c) for c in encode))
        f.write('],\n"decode":[\n')
        f.write(",\n".join(line(c) for c in decode))
        f.write("]}\n")


def main():
    for key, value in sorted(globals().items()):
        if key.startswith("make_"):
            put(sys.argv[1], key[5:], value())


if __name__ == "__main__":
    random.seed(1)
    assert assigned("a")
    main()
