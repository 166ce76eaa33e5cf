"""Random strings over an alphabet that is hard for tokenizers."""
import random

ALPHABET = (
    list("abcxyzABCXYZ") + list("'s 't 're 've 'm 'll 'd 'S 'T 'RE 'Ve 'lL "
                                "'\u017f".split(" ")) + ["'"] * 4
    + [" "] * 14 + ["  ", "   ", "\n", "\n", "\r\n", "\r", "\t", "\n\n", "\x0b"]
    + list("0123456789") + ["12", "345", "1234567"]
    + list(".,;:!?-/\\_()[]{}<>@#$%^&*+=|~`\"")
    + list("\u00e9\u00c9\u00df\u0130\u0131\u017f\u212a\u01c5\u02b0\u00aa\u1e9e")
    + list("\u0301\u0308\u0483\u20dd\u0e31\u0e33\u093f\u094d")
    + list("\u0430\u0410\u03b1\u03a3\u05d0\u0634\u0e01\u0915\u10d0\u1c90")
    + list("\u4e2d\u6587\u3042\u30a2\u30fc\u3005\u3007\uac00\u1100\u2e80")
    + list("\u00b2\u00bd\u2167\u0663\u0967\uff13\u3007")
    + list("\u00a0\u0085\u1680\u2003\u2028\u2029\u202f\u3000\u200b\ufeff\u180e")
    + list("\u2019\u201c\u2014\u2026\u3002\uff0c\u3001\u0964\u060c\uff01")
    + list("\u00a3\u20ac\u2200\u00ac\u00b0\u00a9\u2581\u0120")
    + list("\U0001f600\U0001f1e9\u200d\ufe0f\U0001f3fd\u20e3")
    + list("\u0000\u0001\u001f\u007f\u009f\ue000\u0378\U000e0001\U0010ffff")
    + list("\ufb01\uff21\u2126\u212b\u1e9b\u0344\ufb06\u0958"))


def strings(n, seed, longest=24):
    rng = random.Random(seed)
    for _ in range(n):
        size = rng.randint(0, longest)
        # Short alphabets make runs, long ones make contact.
        some = rng.sample(ALPHABET, rng.choice((2, 4, 8, len(ALPHABET))))
        yield "".join(rng.choice(some) for _ in range(size))
