/* make_tiny DIR: write a tiny random model to DIR/tiny.gguf. */
#include "support/check.h"

#include "support/tiny_model.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct make m = { 0 };
    char path[512];
    if (argc != 2)
        return 2;
    snprintf(path, sizeof path, "%s/tiny.gguf", argv[1]);
    tiny_make(&m, &(struct tiny_options){ .seed = 1 });
    FILE *f = fopen(path, "wb");
    bool ok = f != NULL && fwrite(m.b.at, 1, m.b.len, f) == m.b.len;
    if (f != NULL && fclose(f) != 0)
        ok = false;
    make_drop(&m);
    return ok ? 0 : 1;
}
