#include "cli/chat_input.h"
#include "cli/console.h"
#include "cli/lines.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY_LINES = 500, PASTE_MOST = 1 << 20, LOOK_EVERY_MS = 50,
       CTRL_D = 4 };

/* Terminals wrap a pasted text in these once they are asked to. */
static const char paste_on[] = "\033[?2004h", paste_off[] = "\033[?2004l";
static const wchar_t paste_end[] = L"\033[201~";

/* Stands for a newline of a pasted text while the line is edited: the editor's
 * lines have none. */
static const wchar_t newline_sign = 0x23CE;

struct chat_input {
    bool      at_terminal;
    EditLine *editor;
    History  *history;
    bool      continues;     /* the prompt shows that a message goes on */
    bool      pasted;        /* the line holds signs that stand for newlines */
    mbstate_t state;         /* of a character whose bytes are still coming */
};

/* ---- callbacks of the editor ---- */

static struct chat_input *owner(EditLine *el)
{
    void *in = NULL;

    el_get(el, EL_CLIENTDATA, &in);
    return in;
}

static char *show_prompt(EditLine *el)
{
    static char first[] = "> ", more[] = "... ";

    return owner(el)->continues ? more : first;
}

/* Wait for a byte, or for Ctrl-C.  With a limit, because a signal that comes
 * right before the wait would otherwise not be seen until the next key. */
static bool wait_for_key(void)
{
    struct pollfd key = { .fd = STDIN_FILENO, .events = POLLIN };

    while (!interrupt_raised())
        if (poll(&key, 1, LOOK_EVERY_MS) > 0)
            return true;
    return false;
}

/* Not the editor's own reader, which tries again once after a signal: the
 * first Ctrl-C must end the line. */
static int read_character(EditLine *el, wchar_t *out)
{
    struct chat_input *in = owner(el);
    char byte;

    while (wait_for_key()) {
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return (int)n;
        /* A Ctrl-D typed between the prompt and raw mode arrives as NUL. */
        if (byte == '\0')
            byte = CTRL_D;
        size_t got = mbrtowc(out, &byte, 1, &in->state);
        if (got == (size_t)-2)
            continue;
        if (got == (size_t)-1) {
            in->state = (mbstate_t){ 0 };
            *out = L'?';
        }
        return 1;
    }
    return -1;
}

/* Take a pasted text up to its end mark into the line. */
static unsigned char take_paste(EditLine *el, int key)
{
    struct chat_input *in = owner(el);
    size_t n = 0, n_end = wcslen(paste_end);
    wchar_t *text = calloc(PASTE_MOST + 1, sizeof *text);

    (void)key;
    if (text == NULL)
        return CC_ERROR;
    while (n < PASTE_MOST && read_character(el, &text[n]) == 1) {
        n++;
        if (n >= n_end && wmemcmp(&text[n - n_end], paste_end, n_end) == 0) {
            n -= n_end;
            break;
        }
    }
    text[n] = L'\0';
    for (size_t i = 0; i < n; i++)
        if (text[i] == L'\r' || text[i] == L'\n')
            text[i] = newline_sign;
        else if (text[i] == L'\t')
            text[i] = L' ';
    in->pasted = true;
    int failed = el_winsertstr(el, text);
    free(text);
    return failed ? CC_ERROR : CC_REFRESH;
}

/* ---- opening ---- */

static enum err open_editor(struct chat_input *in, struct err_info *why)
{
    HistEvent ev;

    /* Typed text is UTF-8, also where no locale is set. */
    setlocale(LC_CTYPE, "");
    if (MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
    in->editor = el_init("osmia", stdin, stderr, stderr);
    in->history = history_init();
    if (in->editor == NULL || in->history == NULL)
        return fail_nomem(why);
    history(in->history, &ev, H_SETSIZE, HISTORY_LINES);
    history(in->history, &ev, H_SETUNIQUE, 1);
    el_set(in->editor, EL_CLIENTDATA, in);
    el_set(in->editor, EL_PROMPT, show_prompt);
    el_set(in->editor, EL_EDITOR, "emacs");
    el_set(in->editor, EL_HIST, history, in->history);
    el_wset(in->editor, EL_GETCFN, read_character);
    /* Of narrow strings el_set would make copies that el_end forgets. */
    el_wset(in->editor, EL_ADDFN, L"osmia-paste", L"take a pasted text",
            take_paste);
    el_set(in->editor, EL_BIND, "\\e[200~", "osmia-paste", NULL);
    return ERR_OK;
}

enum err chat_input_open(struct chat_input **out, bool at_terminal,
                         struct err_info *why)
{
    struct chat_input *in = calloc(1, sizeof *in);
    enum err e = ERR_OK;

    if (in == NULL)
        return fail_nomem(why);
    in->at_terminal = at_terminal;
    if (at_terminal)
        e = open_editor(in, why);
    if (e == ERR_OK)
        *out = in;
    else
        chat_input_close(in);
    return e;
}

void chat_input_close(struct chat_input *in)
{
    if (in == NULL)
        return;
    if (in->history != NULL)
        history_end(in->history);
    if (in->editor != NULL)
        el_end(in->editor);
    free(in);
}

/* ---- messages ---- */

/* Append an edited line; signs of a pasted text become newlines again. */
static void put_line(struct chat_input *in, struct strbuf *message,
                     struct slice line)
{
    static const struct slice sign = { "\xE2\x8F\x8E", 3 };
    size_t from = 0;

    while (in->pasted) {
        size_t at = slice_find(line, sign, from);
        if (at == line.len)
            break;
        strbuf_put(message, (struct slice){ line.at + from, at - from });
        strbuf_putc(message, '\n');
        from = at + sign.len;
    }
    strbuf_put(message, slice_from(line, from));
}

/* One edited line, appended without its newline. */
static enum chat_input_kind edit_line(struct chat_input *in,
                                      struct strbuf *message)
{
    int n = 0;

    in->pasted = false;
    in->state = (mbstate_t){ 0 };
    fputs(paste_on, stderr);
    const char *text = el_gets(in->editor, &n);
    fputs(paste_off, stderr);
    fflush(stderr);
    if (interrupt_raised()) {
        interrupt_lower();
        fputs("\n", stderr);
        return CHAT_INPUT_INTERRUPTED;
    }
    if (text == NULL || n <= 0)
        return CHAT_INPUT_END;
    struct slice line = { text, (size_t)n };
    if (slice_ends(line, SLICE("\n")))
        line.len--;
    put_line(in, message, line);
    return CHAT_INPUT_MESSAGE;
}

/* Is a block open, or does the last line end with a backslash?  Takes the
 * marks away from a message that is complete. */
static bool goes_on(struct strbuf *message)
{
    static const struct slice quotes = { "\"\"\"", 3 };
    struct slice all = strbuf_slice(message);

    if (slice_starts(all, quotes)) {
        if (all.len < 6 || !slice_ends(all, quotes))
            return true;
        message->len -= 6;
        memmove(message->at, message->at + 3, message->len);
        return false;
    }
    if (!slice_ends(all, SLICE("\\")))
        return false;
    message->len--;
    return true;
}

static void remember(struct chat_input *in, struct strbuf *message)
{
    HistEvent ev;
    const char *text = strbuf_cstr(message);

    if (text != NULL && message->len > 0)
        history(in->history, &ev, H_ENTER, text);
}

enum chat_input_kind chat_input_next(struct chat_input *in,
                                     struct strbuf *message)
{
    enum chat_input_kind kind;

    strbuf_clear(message);
    if (!in->at_terminal) {
        if (!line_read(message))
            return CHAT_INPUT_END;
        if (slice_ends(strbuf_slice(message), SLICE("\r")))
            message->len--;
        return CHAT_INPUT_MESSAGE;
    }
    in->continues = false;
    while ((kind = edit_line(in, message)) == CHAT_INPUT_MESSAGE) {
        if (!goes_on(message))
            break;
        in->continues = true;
        strbuf_putc(message, '\n');
    }
    if (kind == CHAT_INPUT_MESSAGE)
        remember(in, message);
    return kind;
}
