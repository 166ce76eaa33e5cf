"""Every integer that a body may hold, on every route that takes one, times the
values that programs get wrong: 400 naming the field, or 200 where the value is a
right one.  After each the next request must be answered.
"""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import main  # noqa: E402
from serve_case import ServeCase  # noqa: E402

U32, U64 = 2**32 - 1, 2**64 - 1
# As they stand in the text; the third would be another number as a double.
VALUES = ["-1", "0", "2147483648", "4294967296", "9007199254740993",
          "18446744073709551615", "18446744073709551616", "1e308", "1e999",
          "1.5", "1.0", "1e0", '"1"', "null", "[]", "{}", "true", "-0"]
# Room for 2**31 tokens is nowhere: what is a number, but too much, is refused.
WORKER = {"max_tokens": (1, 2048), "top_k": (0, U32), "seed": (0, U64),
          "repeat_last_n": (0, U32)}
SHARED = {"top_k": (0, U32), "seed": (0, U64), "n": (1, 8),
          "max_tokens": (1, 2000), "repeat_last_n": (0, U32)}
CHAT = SHARED | {"max_completion_tokens": (1, 2000), "top_logprobs": (0, 20)}
TEXT = SHARED | {"logprobs": (0, 20), "best_of": (1, 1)}

FLAT = {"prompt": "x", "max_tokens": 1, "temperature": 0}
OPERATION = FLAT | {"operation": "infer", "hive_id": "h", "model": "m"}
OPENAI = {"max_tokens": 1, "temperature": 0}
ROUTES = [
    ("/v1/jobs", FLAT, WORKER), ("/v1/inference", FLAT, WORKER),
    ("/execute", FLAT, WORKER), ("/v1/infer", FLAT, WORKER),
    ("/v1/jobs", OPERATION, WORKER), ("/execute", OPERATION, WORKER),
    ("/v1/completions", OPENAI | {"prompt": "x"}, TEXT),
    ("/v1/chat/completions",
     OPENAI | {"messages": [{"role": "user", "content": "x"}],
               "logprobs": True}, CHAT),
]
# Places for one integer within something else.
PLACES = [
    ("/v1/completions", '{"prompt":[1,%s],"max_tokens":1}', (0, 258)),
    ("/v1/completions", '{"prompt":[[1,%s],[2]],"max_tokens":1}', (0, 258)),
    ("/detokenize", '{"tokens":[65,%s]}', (0, 258)),
]
# Where no integer belongs at all; null counts as not given.
NONE_AT_ALL = [
    ("/v1/completions", '{"max_tokens":1,"prompt":[%s]}', False),
    ("/v1/chat/completions", '{"max_tokens":1,"messages":%s}', False),
    ("/v1/completions", '{"prompt":"x","max_tokens":1,"stream":%s}', True),
    ("/tokenize", '{"content":%s}', False),
    ("/tokenize", '{"content":"x","with_pieces":%s}', True),
    ("/detokenize", '{"tokens":%s}', False),
    ("/cancel", '{"job_id":%s}', False), ("/v1/cancel", '{"job_id":%s}', False),
    ("/apply-template", '{"messages":%s}', False),
    ("/v1/infer", '{"prompt":%s,"max_tokens":1}', False),
    ("/v1/infer", '{"prompt":"x","max_tokens":1,"stream":%s}', True),
]


def is_right(text, span, needed):
    """Is what stands there an integer of the span, or as good as not given?"""
    if text == "null":
        return not needed
    try:
        value = int(text)
    except ValueError:
        return False
    return span[0] <= value <= span[1]


def with_value(body, field, text):
    rest = {k: v for k, v in body.items() if k != field}
    return json.dumps(rest)[:-1] + f',"{field}":{text}}}'


class Integers(ServeCase):
    args = ("--max-queue", "4000", "--stream-grace-sec", "1")

    def answer(self, path, body, good, names=""):
        reply = self.server.post(path, body)
        want = 200 if good else 400
        self.assertEqual(reply.status, want, (path, body, reply.body[:300]))
        if not good:
            self.assertIn(names.encode(), reply.body, (path, body))

    def tearDown(self):
        reply = self.server.post("/v1/infer", FLAT)
        self.assertEqual(reply.json["tokens_generated"], 1)

    def test_every_field_on_every_route(self):
        for path, body, fields in ROUTES:
            needed = path.startswith(("/v1/jobs", "/v1/inf", "/execute"))
            for field, span in fields.items():
                for text in VALUES:
                    with self.subTest(path=path, field=field, value=text):
                        must = (needed and field == "max_tokens"
                                and self.must_have_max(path, body))
                        self.answer(path, with_value(body, field, text),
                                    is_right(text, span, must), field)

    def must_have_max(self, path, body):
        """The one-call routes have a number of their own."""
        return path in ("/v1/jobs", "/v1/inference") or "operation" in body

    def test_integers_within(self):
        for path, form, span in PLACES:
            for text in VALUES:
                if text == "-0":
                    continue             # may be taken for an id, or not
                with self.subTest(path=path, form=form, value=text):
                    self.answer(path, form % text, is_right(text, span, True))

    def test_no_integer_belongs_here(self):
        for path, form, boolean in NONE_AT_ALL:
            for text in VALUES:
                good = (boolean and text in ("true", "null")
                        or text == "[]" and path == "/detokenize")
                if text.isdigit() and "[" in form:
                    continue             # an id
                if text.startswith('"') and not boolean:
                    continue             # a text
                with self.subTest(path=path, form=form, value=text):
                    self.answer(path, form % text, good)

    def test_bias(self):
        form = '{"prompt":"x","max_tokens":1,"logit_bias":{"%s":%s}}'
        for text in VALUES:
            name = text.strip('"')
            self.answer("/v1/completions", form % (name, "1"),
                        name in ("0", "1"), "logit_bias")
            good = text in ("-1", "0", "1.5", "1.0", "1e0", "-0")
            self.answer("/v1/completions", form % ("7", text), good,
                        "logit_bias")


if __name__ == "__main__":
    main()
