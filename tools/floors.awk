# No include climbs: a file may name its own folder and folders on lower floors;
# neighbours on one floor are strangers.  Arguments: src/FOLDER/FILE ...
# (run from the root of the tree, so that the second part names the folder).
BEGIN {
    n = split("base|tensor text|weights|kernels|device format|nn|models|" \
              "engine|serve lib|routes|cli", rows, "|")
    for (i = 1; i <= n; i++) {
        m = split(rows[i], folders, " ")
        for (j = 1; j <= m; j++)
            floor[folders[j]] = i
    }
}
FNR == 1 {
    split(FILENAME, parts, "/")
    here = parts[2]
    if (!(here in floor))
        complain("the folder " here " stands on no floor")
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, quoted, "\"")
    # The public header is everybody's who stands above it.
    if (quoted[2] == "osmia.h") {
        if (floor[here] < floor["lib"])
            complain(here " may not include the public header")
        next
    }
    if (split(quoted[2], there, "/") != 2 || !(there[1] in floor))
        complain("\"" quoted[2] "\" does not name folder/file of this tree")
    else if (there[1] != here && floor[there[1]] >= floor[here])
        complain(here " may not include " there[1])
}
function complain(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what
    bad = 1
}
END { exit bad }
