# The rules of the house that a machine can read.  Arguments: C files, named
# from the root of the tree (src/..., include/..., tests/...).
#
#   file length     <= 800 lines, models/*.c <= 150; generated tables are free
#   function        <= 70 lines from brace to brace, <= 6 parameters
#   #if             include guards, tensor/simd_*.h, kernels/dispatch.c, base/
#   builtins        tensor/simd_*.h, kernels/dispatch.c, base/
#   names           no __int128, no _Float16, no unbounded copies; below the
#                   command line nothing prints, exits or aborts
#   white space     no tabs, none at the end of a line
#   file names      unique in the tree
#
# A function opens with a brace in the first column, as .clang-format has it.
FNR == 1 {
    end_file()
    n_parts = split(FILENAME, parts, "/")
    top = parts[1]
    folder = n_parts > 2 ? parts[2] : ""
    name = parts[n_parts]
    if (name in seen && name != "meson.build")
        complain("has the same name as " seen[name])
    seen[name] = FILENAME
    table = name ~ /(_table|_data)\.c$/ || name ~ /^unicode_/
    low = folder == "base" || (folder == "tensor" && name ~ /^simd_.*\.h$/) \
        || (folder == "kernels" && name == "dispatch.c")
    library = top == "src" && folder != "cli"
    in_comment = in_function = first_directive = 0
    guard = signature = ""
}
{
    last_line = FNR
    last_file = FILENAME
    if ($0 ~ /\t/ || $0 ~ / $/)
        complain("a tab, or blanks at the end of the line")
    code = strip($0)
}
code ~ /^[ \t]*#/ { directive(); next }
/^\{/ { in_function = 1; opened = FNR; check_signature(); signature = ""; next }
/^\}/ {
    if (in_function && FNR - opened + 1 > 70 && !table)
        complain("a function of " FNR - opened + 1 " lines (at most 70)")
    in_function = 0
    signature = ""
    next
}
{ words() }
!in_function {
    # What stands before the brace: everything since the last ; or }.
    signature = signature " " code
    if (code ~ /[;}]/)
        signature = ""
}
END { end_file(); exit bad }

function end_file(   most) {
    if (last_file == "" || table)
        return
    most = last_file ~ /^src\/models\/.*\.c$/ ? 150 : 800
    if (last_line > most)
        report(last_file, last_line, last_line " lines (at most " most ")")
}

# The line without comments and without what stands in quotes.
function strip(line,   out, at, c) {
    out = ""
    while (line != "") {
        if (in_comment) {
            at = index(line, "*/")
            if (at == 0)
                return out
            line = substr(line, at + 2)
            in_comment = 0
            continue
        }
        at = match(line, /\/\*|\/\/|["']/)
        if (at == 0)
            return out line
        out = out substr(line, 1, at - 1)
        c = substr(line, at, 2)
        line = substr(line, at + 1)
        if (c == "//")
            return out
        if (c == "/*") {
            in_comment = 1
            line = substr(line, 2)
        } else {
            line = behind_quote(line, substr(c, 1, 1))
            out = out "\"\""
        }
    }
    return out
}

function behind_quote(line, quote,   c) {
    while (line != "") {
        c = substr(line, 1, 1)
        line = substr(line, c == "\\" ? 3 : 2)
        if (c == quote)
            break
    }
    return line
}

function directive(   word) {
    word = code
    sub(/^[ \t]*#[ \t]*/, "", word)
    sub(/[^a-z].*/, "", word)
    first_directive++
    # #ifndef GUARD and the #define behind it are no condition.
    if (first_directive == 1 && name ~ /\.h$/ && word == "ifndef")
        return
    # C++ includes the public header, too.
    if (top == "include" && code ~ /__cplusplus/)
        return
    if ((word == "if" || word == "ifdef" || word == "ifndef" \
         || word == "elif") && !low && top != "tests")
        complain("#" word " belongs into base/, tensor/simd_*.h or " \
                 "kernels/dispatch.c")
    words()
}

function words() {
    if (code ~ /__int128|_Float16/)
        complain("__int128 and _Float16 are not everywhere")
    if (code ~ /(^|[^a-zA-Z0-9_])(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca)[ ]*\(/ \
        && top != "tests")
        complain("a function without bounds")
    if (code ~ /__builtin_|_mm[0-9]*_|__sync_|__asm/ && !low && top == "src")
        complain("compiler builtins belong into base/, tensor/simd_*.h or " \
                 "kernels/dispatch.c")
    if (library && name != "mapguard.c" \
        && code ~ /(^|[^a-zA-Z0-9_.>])(printf|puts|putchar|perror|fprintf|exit|_exit|abort)[ ]*\(/)
        complain("the library does not print, exit or abort")
}

# signature: "type name(a, b, void (*c)(d, e))": commas at the first level.
function check_signature(   at, n, level, c, count) {
    at = index(signature, "(")
    if (at == 0)
        return
    n = length(signature)
    count = 1
    for (level = 0; at <= n; at++) {
        c = substr(signature, at, 1)
        if (c == "(")
            level++
        else if (c == ")" && --level == 0)
            break
        else if (c == "," && level == 1)
            count++
    }
    if (count > 6)
        complain("a function of " count " parameters (at most 6)")
}

function complain(what) {
    report(FILENAME, FNR, what)
}

function report(file, line, what) {
    printf "%s:%d: %s\n", file, line, what
    bad = 1
}
