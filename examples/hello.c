/* Ask a model one question:   hello model.gguf "Who are you?"
 * cc hello.c $(pkg-config --cflags --libs osmia) -o hello */
#include <osmia.h>
#include <stdio.h>
#include <string.h>

static bool print(void *arg, const char *text, size_t len)
{
    (void)arg;
    fwrite(text, 1, len, stdout);
    return fflush(stdout) != 0;              /* nobody reads: that is enough */
}

int main(int argc, char **argv)
{
    static char request[8192], prompt[16384];
    static int32_t ids[16384];
    struct osmia_buffer text = { prompt, sizeof prompt, 0 };
    struct osmia_ids tokens = { ids, sizeof ids / sizeof *ids, 0 };
    struct osmia_generate g = OSMIA_GENERATE_INIT;
    struct osmia_model *model = NULL;
    struct osmia_error why = { OSMIA_BAD_REQUEST, "hello MODEL QUESTION" };

    if (argc == 3 && strlen(argv[2]) < 8000 && !strpbrk(argv[2], "\"\\\n")
        && osmia_load(&model, argv[1], NULL, &why) == OSMIA_OK) {
        int n = snprintf(request, sizeof request, "{\"messages\": [{\"role\": "
                         "\"user\", \"content\": \"%s\"}]}", argv[2]);
        why.status = osmia_render(model, request, (size_t)n, &text, &why);
    }
    if (why.status == OSMIA_OK)
        why.status = osmia_tokenize_prompt(model, prompt, text.len, &tokens,
                                           &why);
    if (why.status == OSMIA_OK) {
        g.prompt = ids;
        g.n_prompt = tokens.n;
        g.on_text = print;
        why.status = osmia_generate(model, &g, NULL, &why);
        puts("");
    }
    if (why.status != OSMIA_OK)
        fprintf(stderr, "hello: %s\n", why.text);
    osmia_unload(model);
    return why.status != OSMIA_OK;
}
