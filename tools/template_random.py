#!/usr/bin/env python3
"""Random templates, rendered by us and by the reference, compared.

usage: template_random.py PROGRAM MODEL [--count N] [--seed S] [--show N]

PROGRAM is run as `PROGRAM render MODEL --jsonl` with the template and its
variables in each request.  The reference is the environment that transformers
compiles chat templates with.  Both may refuse a template; what counts as a
difference is another text, or a refusal by one of the two only.  Refusals that
we announce (64-bit integers, filters we name as unsupported, budgets) and texts
with an object's address are counted apart.
"""
import argparse
import json
import random
import re
import subprocess
import warnings

warnings.filterwarnings("ignore")

VARS = {
    "s": "Hello, World", "t": "  a-b c\n\tD  ", "u": "ÄÖ ß ǆ Σas ΑΣ \u2028x\u00a0é",
    "e": "", "n": 7, "z": 0, "neg": -3, "f": 2.5, "g": 1e-7, "big": 10**12,
    "yes": True, "no": False, "nil": None, "html": "<b>&\"'</b>",
    "l": [3, 1, 2], "ls": ["b", "A", "c", "a"], "mix": [1, "a", None, 2.0, True],
    "d": {"k": 1, "items": 5, "a b": "x", "B": [1, {"q": "é"}], "c": None},
    "ld": [{"r": "user", "n": 2, "c": "x"}, {"r": "Tool", "n": 1},
           {"r": "user", "n": 1, "c": None, "x": {"y": [1, 2]}}],
    "ll": [[1, "x"], [2, "y"]], "el": [], "ed": {},
}
NAMES = list(VARS) + ["undef", "loop"]
STRS = ["''", "'a'", "'b'", "' '", "'l'", "','", "'ab'", "'é'", "'\\n'", "'%s'",
        "'%d|%5.2f'", "'{} {}'", "'{0!r:>5}'", "'A-b c'", "'0x1f'", "'12'",
        "' 3.5 '", "'1e3'", "\"it's\"", "'<'", "'Σ'", "'k'", "'r'", "'n'", "'x.y.0'",
        "'\\u00e9\\t'", "'a' 'b'", "'%(k)s'", "'{k}'", "'user'", "'items'",
        "'%%'", "'%-5s|%05d|%+.1e|%x'", "'{:>8}|{:<6}|{:^7}'", "'{:,}'",
        "'{:.2f}'", "'{:05d}'", "'{:+}'", "'{:%}'", "'{:e}'", "'{:#x}'"]
NUMS = ["0", "1", "2", "3", "-1", "10", "1.5", "0.1", "1e3", "2.0", "-2.5", "1_0",
        "100", "255", "1e16", "123456789", "0.5", "1e-5"]
FILTERS = [
    ("abs", 0, 0), ("attr", 1, 1), ("batch", 1, 2), ("capitalize", 0, 0),
    ("center", 0, 1), ("count", 0, 0), ("default", 0, 2), ("d", 1, 2),
    ("dictsort", 0, 3), ("e", 0, 0), ("escape", 0, 0), ("filesizeformat", 0, 1),
    ("first", 0, 0), ("float", 0, 1), ("forceescape", 0, 0), ("format", 0, 2),
    ("groupby", 1, 2), ("indent", 0, 3), ("int", 0, 2), ("items", 0, 0),
    ("join", 0, 2), ("last", 0, 0), ("length", 0, 0), ("list", 0, 0),
    ("lower", 0, 0), ("map", 1, 2), ("max", 0, 1), ("min", 0, 1), ("reject", 0, 2),
    ("rejectattr", 1, 3), ("replace", 2, 3), ("reverse", 0, 0), ("round", 0, 2),
    ("safe", 0, 0), ("select", 0, 2), ("selectattr", 1, 3), ("slice", 1, 2),
    ("sort", 0, 3), ("string", 0, 0), ("striptags", 0, 0), ("sum", 0, 2),
    ("title", 0, 0), ("tojson", 0, 1), ("trim", 0, 1), ("truncate", 0, 4),
    ("unique", 0, 2), ("upper", 0, 0), ("urlencode", 0, 0), ("wordcount", 0, 0),
    ("xmlattr", 0, 1),
]
TESTS = ["odd", "even", "defined", "undefined", "none", "boolean", "false",
         "true", "integer", "float", "lower", "upper", "string", "mapping",
         "number", "sequence", "iterable", "callable", "escaped", "filter", "test"]
TESTS1 = ["divisibleby", "sameas", "in", "eq", "equalto", "==", "ne", "!=", "gt",
          ">", "ge", "lt", "lessthan", "<", "le", "<=", "greaterthan"]
METHODS = [
    "capitalize", "casefold", "center", "count", "endswith", "expandtabs",
    "find", "format", "index", "isalnum", "isalpha", "isascii", "isdecimal",
    "isdigit", "isidentifier", "islower", "isnumeric", "isprintable", "isspace",
    "istitle", "isupper", "join", "ljust", "lower", "lstrip", "partition",
    "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust",
    "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith",
    "strip", "swapcase", "title", "upper", "zfill", "items", "keys", "values",
    "get", "copy", "append", "pop", "update", "foo", "format_map",
]
GLUE = ["", " ", "\n", "  ", "\n  ", "x", "\n\n", "a\n", "\t"]


class Maker:
    """One random template."""

    def __init__(self, rnd):
        self.r = rnd

    def pick(self, seq):
        return self.r.choice(seq)

    def atom(self):
        k = self.r.random()
        if k < 0.42:
            return self.pick(NAMES)
        if k < 0.62:
            return self.pick(STRS)
        if k < 0.78:
            return self.pick(NUMS)
        return self.pick(["true", "false", "none", "True", "None", "[]", "{}", "()",
                          "[1, 2]", "{'a': 1}", "(1, 'b')", "range(3)",
                          "range(5, 0, -2)", "dict(a=1)", "namespace(a=2)"])

    def args(self, least, most, depth):
        n = self.r.randint(least, most)
        out = [self.expr(depth - 2) for _ in range(n)]
        return ", ".join(out)

    def filter_call(self, depth):
        name, least, most = self.pick(FILTERS)
        k = self.r.random()
        if name in ("map", "select", "reject") and k < 0.7:
            inner = self.pick(["'upper'", "'length'", "'string'", "'int'", "'first'"]
                              if name == "map" else
                              ["'string'", "'odd'", "'defined'", "'none'", "'in'"])
            if name == "map" and self.r.random() < 0.4:
                return "map(attribute=%s)" % self.pick(["'n'", "'r'", "0", "'x.y'"])
            if inner == "'in'":
                return "%s('in', %s)" % (name, self.atom())
            return "%s(%s)" % (name, inner)
        if name in ("selectattr", "rejectattr") and k < 0.8:
            return "%s(%s%s)" % (name, self.pick(["'n'", "'r'", "'c'", "'x'"]),
                                 self.pick(["", ", 'defined'", ", 'equalto', 'user'",
                                            ", '==', 1", ", 'none'", ", 'gt', 1"]))
        if name == "tojson":
            return "tojson" + self.pick(["", "", "(indent=2)", "(indent=0)",
                                         "(ensure_ascii=true)", "(sort_keys=true)",
                                         "(separators=(',', ':'))", "(indent='--')"])
        if name == "sort" and k < 0.7:
            return "sort" + self.pick(["", "(attribute='n')", "(reverse=true)",
                                       "(attribute='r,n')", "(true)",
                                       "(case_sensitive=true)"])
        if name == "dictsort" and k < 0.7:
            return "dictsort" + self.pick(["", "(true)", "(by='value')",
                                           "(reverse=true)"])
        if name == "join" and k < 0.6:
            return "join" + self.pick(["", "(',')", "(', ')", "(attribute='n')",
                                       "('-', attribute='r')"])
        if least == 0 and (most == 0 or k < 0.5):
            return name
        return "%s(%s)" % (name, self.args(least, most, depth))

    def test_call(self, depth):
        if self.r.random() < 0.6:
            return self.pick(TESTS)
        name = self.pick(TESTS1)
        if not name[0].isalpha():
            name = "eq"
        return "%s(%s)" % (name, self.expr(depth - 2))

    def slice(self, depth):
        parts = [self.pick(["", "", "1", "-1", "2", "0", "5", "-2"])
                 for _ in range(self.r.randint(2, 3))]
        if len(parts) == 3:
            parts[2] = self.pick(["", "-1", "2", "-2", "1"])
        return ":".join(parts)

    def expr(self, depth=3):
        if depth <= 0:
            return self.atom()
        k = self.r.random()
        sub = lambda: self.expr(depth - 1)
        if k < 0.12:
            return self.atom()
        if k < 0.30:
            return "%s|%s" % (self.paren(sub()), self.filter_call(depth))
        if k < 0.42:
            m = self.pick(METHODS)
            return "%s.%s(%s)" % (self.paren(sub()), m, self.args(0, 2, depth))
        if k < 0.50:
            return "%s[%s]" % (self.paren(sub()), self.pick(
                [self.slice(depth), self.slice(depth), self.atom(), "0", "-1"]))
        if k < 0.54:
            return "%s.%s" % (self.paren(sub()), self.pick(
                ["k", "items", "n", "r", "index", "first", "last", "nope", "x", "0"]))
        if k < 0.68:
            op = self.pick(["+", "-", "*", "/", "//", "%", "~", "**", "+", "~"])
            right = self.pick(["2", "3", "-1", "0", "0.5"]) if op == "**" else sub()
            if op == "*":
                right = self.pick(["2", "3", "0", "-1", "1.5", self.atom()])
            return "%s %s %s" % (sub(), op, right)
        if k < 0.76:
            op = self.pick(["==", "!=", "<", ">", "<=", ">=", "in", "not in"])
            return "%s %s %s" % (sub(), op, sub())
        if k < 0.82:
            return "%s %s %s" % (sub(), self.pick(["and", "or"]), sub())
        if k < 0.86:
            return "%s is %s%s" % (self.paren(sub()), self.pick(["", "not "]),
                                   self.test_call(depth))
        if k < 0.90:
            return "%s if %s%s" % (sub(), sub(), self.pick(["", " else " + sub()]))
        if k < 0.93:
            return self.pick(["not ", "-", "+"]) + sub()
        if k < 0.96:
            return "[%s]" % self.args(0, 3, depth)
        return "{%s}" % ", ".join("%s: %s" % (self.atom(), self.expr(depth - 2))
                                  for _ in range(self.r.randint(0, 2)))

    def paren(self, text):
        return text if self.r.random() < 0.25 else "(%s)" % text

    def tag(self, body, kind="%"):
        left = self.pick(["", "", "", "-", "+"]) if kind == "%" else self.pick(["", "", "-"])
        right = self.pick(["", "", "", "-", "+"]) if kind == "%" else self.pick(["", "", "-"])
        close = "%}" if kind == "%" else "}}"
        return "{%s%s %s %s%s" % (kind, left, body, right, close)

    def block(self, depth):
        out = []
        for _ in range(self.r.randint(1, 3)):
            out.append(self.pick(GLUE))
            out.append(self.statement(depth))
        out.append(self.pick(GLUE))
        return "".join(out)

    def statement(self, depth):
        k = self.r.random()
        if depth <= 0 or k < 0.45:
            return self.tag(self.expr(self.r.randint(1, 3)), "{")
        inner = lambda: self.block(depth - 1)
        t = self.tag
        if k < 0.58:
            other = self.pick(["", t("else") + inner(),
                               t("elif " + self.expr(2)) + inner()])
            return t("if " + self.expr(2)) + inner() + other + t("endif")
        if k < 0.72:
            target = self.pick(["x", "x", "n", "a, b", "k, v"])
            seq = self.pick([self.expr(2), "l", "ls", "ld", "d", "d.items()", "ll",
                             "range(4)", "d|dictsort", "s"])
            if "," in target and self.r.random() < 0.8:
                seq = self.pick(["ll", "d.items()", "d|items", "d|dictsort"])
            cond = self.pick(["", "", "", " if " + self.expr(1), " if x is defined"])
            body = inner() + self.pick(["", t(self.pick(["break", "continue"])), "",
                                        "{{ loop.index }}{{ loop.last }}",
                                        "{{ loop.previtem }}{{ loop.nextitem }}",
                                        "{{ loop.cycle('a','b') }}{{ loop.length }}",
                                        "{{ loop.revindex0 }}{{ loop.changed(x) }}"])
            other = self.pick(["", "", t("else") + inner()])
            return t("for %s in %s%s" % (target, seq, cond)) + body + other + t("endfor")
        if k < 0.82:
            return t("set %s = %s" % (self.pick(["x", "n", "a", "s", "a, b"]),
                                      self.expr(2)))
        if k < 0.86:
            return (t("set x%s" % self.pick(["", " | upper", " | trim | title"]))
                    + inner() + t("endset"))
        if k < 0.91:
            args = self.pick(["", "p", "p, q=2", "p='z', q=n", "p=1"])
            call = self.pick(["", "1", "s, 3", "q=4, p=l", "1, 2, 3", "zz=1"])
            extra = self.pick(["", "{{ p }}{{ q }}", "{{ varargs }}", "{{ kwargs }}",
                               "{{ caller() if caller else '-' }}"])
            use = self.pick(["{{ m(%s) }}" % call,
                             t("call m(%s)" % call) + inner() + t("endcall")])
            return t("macro m(%s)" % args) + inner() + extra + t("endmacro") + use
        if k < 0.93:
            return (t("filter " + self.pick(["upper", "trim", "indent(2)", "replace('a','b')"]))
                    + inner() + t("endfilter"))
        if k < 0.95:
            return t("with x = %s, y = %s" % (self.expr(1), self.expr(1))) + inner() + t("endwith")
        if k < 0.97:
            return "{#%s c %s#}" % (self.pick(["", "-"]), self.pick(["", "-"]))
        if k < 0.985:
            return t("generation") + inner() + t("endgeneration")
        return t("raw") + self.pick(["{{ a }}", " {% b ", "\n x \n"]) + t("endraw")


    def template(self):
        """Mostly small ones: one refusal hides all the rest of a template."""
        k = self.r.random()
        if k < 0.7:
            return self.tag(self.expr(1 if k < 0.3 else 2), "{")
        return self.block(1 if k < 0.9 else 2)


def reference(source):
    from transformers.utils import chat_template_utils
    try:
        template = chat_template_utils._cached_compile_jinja_template(source)
        return template.render(messages=[], tools=None, documents=None,
                               add_generation_prompt=False,
                               **json.loads(json.dumps(VARS)))
    except Exception as problem:          # any refusal is a refusal
        return problem


def ours(program, model, sources):
    lines = [json.dumps({"messages": [], "chat_template": s,
                         "add_generation_prompt": False,
                         "chat_template_kwargs": VARS}) for s in sources]
    done = subprocess.run([program, "render", model, "--jsonl"],
                          input=("\n".join(lines) + "\n").encode(),
                          stdout=subprocess.PIPE)
    out = [json.loads(x) for x in done.stdout.decode().split("\n")[:-1]]
    if len(out) != len(sources):
        raise SystemExit("%d answers to %d templates, exit %d; the next one:\n%s"
                         % (len(out), len(sources), done.returncode,
                            sources[min(len(out), len(sources) - 1)]))
    return out


# A slice of what cannot be sliced is always an error here; the reference has an
# undefined value when its compiler could fold the whole output.
ANNOUNCED = re.compile("64 bits|complex|cannot be sliced|64-bit|not supported|steps|MiB|deeper than")


def compare(source, want, got):
    """'same', 'refused', 'apart' or 'differs'."""
    text = None if isinstance(want, Exception) else want
    if text is not None and re.search(r"(?i) at 0x[0-9a-f]|<class ", text):
        return "apart"
    if isinstance(got, dict):
        if text is None:
            return "refused"
        return "apart" if ANNOUNCED.search(got["error"]) else "differs"
    return "same" if got == text else "differs"


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("program")
    ap.add_argument("model")
    ap.add_argument("--count", type=int, default=2000)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--show", type=int, default=10)
    a = ap.parse_args()
    tally = {"same": 0, "refused": 0, "apart": 0, "differs": 0}
    for start in range(0, a.count, 500):
        n = min(500, a.count - start)
        sources = [Maker(random.Random(a.seed * 1000003 + start + i)).template()
                   for i in range(n)]
        for source, got in zip(sources, ours(a.program, a.model, sources)):
            want = reference(source)
            verdict = compare(source, want, got)
            tally[verdict] += 1
            if verdict == "differs" and tally["differs"] <= a.show:
                print("template %r\n  want %r\n  got  %r" % (source, want, got))
    print(", ".join("%d %s" % (tally[k], k) for k in tally))
    return 1 if tally["differs"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
