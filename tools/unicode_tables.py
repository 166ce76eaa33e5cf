#!/usr/bin/env python3
"""Generate src/text/unicode_table.c.

usage: unicode_tables.py > src/text/unicode_table.c

Categories and scripts come from the Python package unicodedataplus 16.0.0, the
Unicode version of the reference library's regular expressions; the rest from
the text files of Debian's package unicode-data (15.0), completed by the few
facts that 16.0 (and for case 17.0) added, which are written out below.
"""
import sys

import unicodedataplus as ucd

DIR = "/usr/share/unicode/"
BLOCK = 256
GC = ("Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So "
      "Zs Zl Zp Cc Cf Co").split()

# Alphabetic of 16.0 that is neither a letter nor a letter number.
NEW_ALPHABETIC = [
    (0x363, 0x36F), (0x897, 0x897), (0x10D69, 0x10D69), (0x10EFC, 0x10EFC),
    (0x113B8, 0x113C0), (0x113C2, 0x113C2), (0x113C5, 0x113C5),
    (0x113C7, 0x113CA), (0x113CC, 0x113CD), (0x1DD3, 0x1DE6),
    (0x1611E, 0x1612E)]
# Capital and small letters of 16.0 and 17.0.  (The reference's Lowercase is
# newer than its regular expressions.)
NEW_CASE = ([(0x1C89, 0x1C8A), (0xA7CB, 0x264), (0xA7CC, 0xA7CD),
             (0xA7DA, 0xA7DB), (0xA7DC, 0x19B), (0xA7CE, 0xA7CF),
             (0xA7D2, 0xA7D3), (0xA7D4, 0xA7D5)]
            + [(0x10D50 + i, 0x10D70 + i) for i in range(22)]
            + [(0x16EA0 + i, 0x16EBB + i) for i in range(25)])


def lines(name):
    for line in open(DIR + name, encoding="utf-8"):
        line = line.split("#")[0].strip()
        if line:
            yield [field.strip() for field in line.split(";")]


def span(text):
    ends = text.split("..")
    return range(int(ends[0], 16), int(ends[-1], 16) + 1)


def prop(name, wanted):
    return {cp for row in lines(name) if row[1] in wanted
            for cp in span(row[0])}


def is_new(cp):
    """Assigned after Debian's 15.0."""
    return cp in NEW


def ranges_of(points):
    out = []
    for cp in sorted(points):
        if out and out[-1][1] == cp - 1:
            out[-1][1] = cp
        else:
            out.append([cp, cp])
    return out


def wrap(items, out, indent="    "):
    line = indent
    for item in items:
        if len(line) + len(item) > 78:
            out.append(line.rstrip())
            line = indent
        line += item + " "
    out.append(line.rstrip())


def kinds(category, alphabetic, space, han):
    table = bytearray(0x110000)
    for cp in range(0x110000):
        gc = category[cp] if category[cp] != "Cs" else "Cn"
        table[cp] = (GC.index(gc) | (cp in space) << 5
                     | (cp in han) << 6 | (cp in alphabetic) << 7)
    return table


def put_kinds(table, out):
    blocks, index = [], []
    for at in range(0, len(table), BLOCK):
        block = bytes(table[at:at + BLOCK])
        if block not in blocks:
            blocks.append(block)
        index.append(blocks.index(block))
    assert len(blocks) <= 256
    out.append("const uint8_t unicode_kind_index[0x110000 / UNICODE_BLOCK] = {")
    wrap([f"{i}," for i in index], out)
    out.append("};\n")
    out.append("const uint8_t unicode_kind_block[][UNICODE_BLOCK] = {")
    for block in blocks:
        out.append("    {")
        wrap([f"{b}," for b in block], out, "    ")
        out.append("    },")
    out.append("};\n")


def put_ascii(table, out):
    """What unicode_bits gives for ASCII, ready made."""
    out.append("const uint32_t unicode_ascii_bits[128] = {")
    wrap([f"0x{1 << (k & 31) | (k & 0x60) << 24:X}," for k in table[:128]],
         out)
    out.append("};\n")


def put_ranges(groups, out, name):
    """All ranges in one array; where group i begins in another."""
    flat, starts = [], [0]
    for points in groups:
        flat += ranges_of(points)
        starts.append(len(flat))
    out.append(f"const struct unicode_range unicode_{name}_range[] = {{")
    wrap([f"{{ 0x{a:X}, 0x{b:X} }}," for a, b in flat], out)
    out.append("};\n")
    out.append(f"const uint16_t unicode_{name}_start[] = {{")
    wrap([f"{s}," for s in starts], out)
    out.append("};\n")


def put_case(simple, special, out, name):
    """Runs of (first, last, step, distance), and the longer mappings."""
    runs = []
    for cp in sorted(simple):
        delta = simple[cp] - cp
        if runs:
            run = runs[-1]
            step = cp - run[1]
            if (run[3] == delta and step <= 2
                    and (run[0] == run[1] or step == run[2])):
                run[1], run[2] = cp, step
                continue
        runs.append([cp, cp, 1, delta])
    out.append(f"const struct unicode_case_run unicode_{name}_run[] = {{")
    wrap([f"{{ 0x{a:X}, 0x{b:X}, {s}, {d} }}," for a, b, s, d in runs], out)
    out.append("};")
    out.append(f"const size_t unicode_n_{name}_run = {len(runs)};\n")
    out.append(f"const struct unicode_case_row unicode_{name}_row[] = {{")
    rows = [(cp, list(to) + [0] * (3 - len(to)))
            for cp, to in sorted(special.items())]
    wrap([f"{{ 0x{cp:X}, {{ 0x{a:X}, 0x{b:X}, 0x{c:X} }} }},"
          for cp, (a, b, c) in rows], out)
    out.append("};")
    out.append(f"const size_t unicode_n_{name}_row = {len(rows)};\n")


def case_maps():
    lower, upper, title = {}, {}, {}
    for row in lines("UnicodeData.txt"):
        cp = int(row[0], 16)
        for field, mapping in ((12, upper), (13, lower), (14, title)):
            if row[field]:
                mapping[cp] = int(row[field], 16)
    for big, small in NEW_CASE:
        lower[big] = small
        upper[small] = title[small] = big
    special = [{}, {}, {}]
    for row in lines("SpecialCasing.txt"):
        if len(row) > 5 and row[4]:
            continue                      # depends on language or context
        cp = int(row[0], 16)
        for i in range(3):
            to = [int(x, 16) for x in row[1 + i].split()]
            if len(to) > 1:
                special[i][cp] = to
    title = {cp: to for cp, to in title.items() if to != cp or cp in upper}
    return ((lower, special[0], "lower"), (title, special[1], "title"),
            (upper, special[2], "upper"))


def fold_maps():
    simple, full = {}, {}
    for cp, kind, to in (row[:3] for row in lines("CaseFolding.txt")):
        if kind in "CS":
            simple[int(cp, 16)] = int(to, 16)
        elif kind == "F":
            full[int(cp, 16)] = [int(x, 16) for x in to.split()]
    simple.update(NEW_CASE)
    return simple, full, "fold"


def normal_form_unsafe():
    """Per form: what is no starter, or what the form may change."""
    marks = {int(row[0], 16) for row in lines("UnicodeData.txt")
             if row[3] != "0"}
    return [marks | {cp for row in lines("DerivedNormalizationProps.txt")
                     if row[1] == form + "_QC" for cp in span(row[0])}
            for form in ("NFC", "NFD", "NFKC", "NFKD")]


category = [ucd.category(chr(cp)) for cp in range(0x110000)]
OLD = {cp for row in lines("extracted/DerivedGeneralCategory.txt")
       if row[1] != "Cn" for cp in span(row[0])}
NEW = {cp for cp in range(0x110000) if category[cp] not in ("Cn", "Cs")} - OLD


def main():
    assert ucd.unidata_version == "16.0.0", ucd.unidata_version
    new = {gc: {cp for cp in NEW if category[cp] == gc} for gc in GC}
    derived = "DerivedCoreProperties.txt"
    lowercase = prop(derived, {"Lowercase"}) | new["Ll"]
    uppercase = prop(derived, {"Uppercase"}) | new["Lu"]
    alphabetic = prop(derived, {"Alphabetic"}).union(
        *(new[gc] for gc in ("Lu", "Ll", "Lt", "Lm", "Lo", "Nl")))
    for first, last in NEW_ALPHABETIC:
        alphabetic |= set(range(first, last + 1))
    cased = prop(derived, {"Cased"}) | new["Lu"] | new["Ll"] | new["Lt"]
    ignorable = prop(derived, {"Case_Ignorable"}).union(
        *(new[gc] for gc in ("Mn", "Me", "Cf", "Lm", "Sk")))
    space = prop("PropList.txt", {"White_Space"})
    numeric_type = "extracted/DerivedNumericType.txt"
    digit = prop(numeric_type, {"Decimal", "Digit"}) | new["Nd"]
    numeric = prop(numeric_type, {"Decimal", "Digit", "Numeric"}) | new["Nd"] \
        | {cp for cp in NEW if ucd.numeric(chr(cp), None) is not None}
    unsafe = normal_form_unsafe()
    scripts = {}
    for cp in range(0x110000):
        scripts.setdefault(ucd.script(chr(cp)), set()).add(cp)
    del scripts["Unknown"]
    han = scripts["Han"]

    out = ["/* Generated by tools/unicode_tables.py; do not edit. */",
           '#include "text/unicode_table.h"\n']
    table = kinds(category, alphabetic, space, han)
    put_kinds(table, out)
    put_ascii(table, out)
    put_ranges([alphabetic, lowercase, uppercase, cased, ignorable, space,
                digit, numeric, prop("PropList.txt", {"Join_Control"})] + unsafe,
               out, "prop")
    names = sorted(scripts)
    put_ranges([set()] + [scripts[name] for name in names], out, "script")
    codes = {}
    for row in lines("PropertyValueAliases.txt"):
        if row[0] == "sc":
            codes[row[2]] = row[1]
    codes.update({"Garay": "Gara", "Gurung_Khema": "Gukh", "Kirat_Rai": "Krai",
                  "Ol_Onal": "Onao", "Sunuwar": "Sunu", "Todhri": "Todr",
                  "Tulu_Tigalari": "Tutg"})
    out.append("const struct unicode_script_row unicode_script_row[] = {")
    wrap(['{ "Unknown", "Zzzz" },']
         + [f'{{ "{name}", "{codes[name]}" }},' for name in names], out)
    out.append("};")
    out.append(f"const size_t unicode_n_script_row = {len(names) + 1};\n")
    for maps in case_maps() + (fold_maps(),):
        put_case(*maps[:2], out, maps[2])
    sys.stdout.write("\n".join(out).rstrip() + "\n")


main()
