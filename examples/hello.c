/* The smallest useful program: ask a model one question, print the answer.
 *
 *     cc hello.c $(pkg-config --cflags --libs osmia) -o hello
 *     ./hello model.gguf "What is the capital of France?" */
#include <osmia.h>
#include <stdio.h>

static bool print(void *arg, const char *text, size_t len)
{
    (void)arg;
    fwrite(text, 1, len, stdout);
    return fflush(stdout) != 0;         /* nobody reads: enough */
}

int main(int argc, char **argv)
{
    static char prompt[8192];
    static int32_t ids[8192];
    char request[4096];
    struct osmia_error why;
    struct osmia_model *model;
    struct osmia_buffer text = { prompt, sizeof prompt, 0 };
    struct osmia_ids tokens = { ids, 8192, 0 };
    struct osmia_generate g = OSMIA_GENERATE_INIT;

    if (argc != 3)
        return fprintf(stderr, "usage: hello MODEL QUESTION\n"), 2;
    int n = snprintf(request, sizeof request, "{\"messages\": [{\"role\": \"user\","
                     " \"content\": \"%s\"}]}", argv[2]);   /* no " in it, please */
    if (osmia_load(&model, argv[1], NULL, &why) != OSMIA_OK)
        return fprintf(stderr, "hello: %s\n", why.text), 1;
    g.on_text = print;
    g.prompt = ids;
    if (osmia_render(model, request, (size_t)n, &text, &why) == OSMIA_OK
        && osmia_tokenize_prompt(model, prompt, text.len, &tokens, &why) == OSMIA_OK
        && (g.n_prompt = tokens.n) > 0
        && osmia_generate(model, &g, NULL, &why) == OSMIA_OK)
        why.status = OSMIA_OK;
    else
        fprintf(stderr, "hello: %s", why.text);
    printf("\n");
    osmia_unload(model);
    return why.status != OSMIA_OK;
}
