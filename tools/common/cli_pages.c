#include "cli_pages.h"

#include <string.h>

const cli_option cli_common_options[] = {
    {.name = "help", .letter = 'h', .kind = CLI_FLAG, .help = "show this and exit"},
    {.name = "help-as",
     .kind = CLI_CHOICE,
     .arg = CLI_PAGE_KINDS,
     .help = "show this as a manual page, for a shell's completion, or in one line, and exit"},
    {.name = "version", .kind = CLI_FLAG, .help = "show the version and exit"},
    {0},
};

typedef void option_writer(FILE *out, const cli_tool *tool, const cli_option *o);

static void for_options(FILE *out, const cli_tool *tool, option_writer *write)
{
    for (const cli_option *o = tool->options; o->name; o++) write(out, tool, o);
    for (const cli_option *o = cli_common_options; o->name; o++) write(out, tool, o);
}

static bool takes_value(const cli_option *o) { return o->kind != CLI_FLAG && o->kind != CLI_ENV; }

/* Characters of the first sentence of `text`, without its full stop. */
static size_t first_sentence(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((*p == '.' || *p == ':') && (p[1] == ' ' || p[1] == '\n' || !p[1]))
            return (size_t)(p - text);
    return strlen(text);
}

static void write_summary(FILE *out, const cli_tool *tool)
{
    size_t length = first_sentence(tool->about);
    for (size_t i = 0; i < length; i++) putc(tool->about[i] == '\n' ? ' ' : tool->about[i], out);
}

/* ---- manual page: man(7) ---- */

static void man_text(FILE *out, const char *text, size_t length)
{
    bool begins = true;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (begins && (c == '.' || c == '\'')) fputs("\\&", out);
        if (c == '\\')
            fputs("\\e", out);
        else if (c == '-')
            fputs("\\-", out);
        else
            putc(c, out);
        begins = c == '\n';
    }
}

/* Lines of prose; those that begin with a blank, and tables, keep their lines. */
static void man_prose(FILE *out, const char *text)
{
    bool kept = false;
    for (; *text; text += *text == '\n') {
        size_t length = strcspn(text, "\n");
        bool keep = *text == ' ';
        if (keep != kept) fputs(keep ? ".PP\n.nf\n" : ".fi\n", out);
        if (!length)
            fputs(".PP\n", out);
        else if (man_text(out, text, length), true)
            putc('\n', out);
        kept = keep;
        text += length;
    }
    if (kept) fputs(".fi\n", out);
}

static void man_option(FILE *out, const cli_tool *tool, const cli_option *o)
{
    (void)tool;
    fputs(".TP\n", out);
    if (o->letter) fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB", out);
    man_text(out, "--", 2);
    man_text(out, o->name, strlen(o->name));
    fputs("\\fR", out);
    if (o->arg) {
        fputs(" \\fI", out);
        man_text(out, o->arg, strlen(o->arg));
        fputs("\\fR", out);
    }
    putc('\n', out);
    man_text(out, o->help, strlen(o->help));
    putc('\n', out);
}

static void write_man(FILE *out, const cli_tool *tool)
{
    fputs(".TH ", out);
    for (const char *p = tool->name; *p; p++)
        putc(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p, out);
    fprintf(out, " 1 \"\" \"SkinCredible %s\" \"User Commands\"\n.SH NAME\n", nbase_version());
    man_text(out, tool->name, strlen(tool->name));
    fputs(" \\- ", out);
    write_summary(out, tool);
    fputs("\n.SH SYNOPSIS\n.nf\n", out);
    for (const char *usage = tool->usage; *usage; usage += *usage == '\n') {
        size_t length = strcspn(usage, "\n");
        /* further lines name the tool themselves, after "or:" or blanks */
        if (usage == tool->usage) fprintf(out, "\\fB%s\\fR ", tool->name);
        man_text(out, usage, length);
        putc('\n', out);
        usage += length;
    }
    fputs(".fi\n.SH DESCRIPTION\n", out);
    man_prose(out, tool->about);
    fputs(".SH OPTIONS\n", out);
    for_options(out, tool, man_option);
    fputs(".SH EXIT STATUS\n0 ok, 1 failure, 2 wrong usage.\n", out);
    if (tool->notes) {
        fputs(".SH NOTES\n", out);
        man_prose(out, tool->notes);
    }
    fputs(".SH SEE ALSO\n.BR skin (1)\n", out);
}

/* ---- completion ---- */

/* The text in single quotes of a shell; zsh's descriptions also escape brackets and colons. */
static void quoted(FILE *out, const char *text, const char *escape)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr(escape, *text))
            fprintf(out, "\\%c", *text);
        else
            putc(*text, out);
    }
}

static void words_of(FILE *out, const cli_option *o)
{
    for (const char *p = o->arg; *p; p++) putc(*p == '|' ? ' ' : *p, out);
}

static void bash_name(FILE *out, const cli_tool *tool, const cli_option *o)
{
    (void)tool;
    fprintf(out, "--%s ", o->name);
}

static void bash_value(FILE *out, const cli_tool *tool, const cli_option *o)
{
    (void)tool;
    if (!takes_value(o)) return;
    fprintf(out, "    --%s", o->name);
    if (o->letter) fprintf(out, " | -%c", o->letter);
    if (o->kind == CLI_CHOICE) {
        fputs(") COMPREPLY=($(compgen -W '", out);
        words_of(out, o);
        fputs("' -- \"$word\")); return ;;\n", out);
    } else if (o->kind == CLI_TEXT) {
        fputs(") compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n", out);
    } else {
        fputs(") return ;;\n", out);
    }
}

/* skin-train's function is called _skin_train. */
static void function_name(FILE *out, const cli_tool *tool)
{
    putc('_', out);
    for (const char *p = tool->name; *p; p++) putc(*p == '-' ? '_' : *p, out);
}

static void write_bash(FILE *out, const cli_tool *tool)
{
    fprintf(out, "# %s(1) in bash: written by %s --help-as bash.\n", tool->name, tool->name);
    function_name(out, tool);
    fputs("()\n{\n    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    COMPREPLY=()\n    case $before in\n",
          out);
    for_options(out, tool, bash_value);
    fputs("    esac\n    if [[ $word == -* ]]; then\n        COMPREPLY=($(compgen -W '", out);
    for_options(out, tool, bash_name);
    fputs("' -- \"$word\"))\n    else\n        compopt -o filenames\n"
          "        COMPREPLY=($(compgen -f -- \"$word\"))\n    fi\n}\ncomplete -F ",
          out);
    function_name(out, tool);
    fprintf(out, " %s\n", tool->name);
}

static void zsh_value(FILE *out, const cli_option *o)
{
    if (!takes_value(o)) return;
    putc(':', out);
    quoted(out, o->kind == CLI_CHOICE ? o->name : o->arg, ":[]\\");
    putc(':', out);
    if (o->kind == CLI_CHOICE) {
        putc('(', out);
        words_of(out, o);
        putc(')', out);
    } else if (o->kind == CLI_TEXT) {
        fputs("_files", out);
    }
}

static void zsh_option(FILE *out, const cli_tool *tool, const cli_option *o)
{
    (void)tool;
    for (int form = o->letter ? 0 : 1; form < 2; form++) {
        if (form)
            fprintf(out, "  '*--%s[", o->name);
        else
            fprintf(out, "  '*-%c[", o->letter);
        quoted(out, o->help, ":[]\\");
        putc(']', out);
        zsh_value(out, o);
        fputs("' \\\n", out);
    }
}

static void write_zsh(FILE *out, const cli_tool *tool)
{
    fprintf(out, "#compdef %s\n# Written by %s --help-as zsh.\n_arguments -s -S \\\n", tool->name,
            tool->name);
    for_options(out, tool, zsh_option);
    fputs(tool->max_args ? "  '*:file:_files'\n" : "  && return 0\n", out);
}

static void fish_option(FILE *out, const cli_tool *tool, const cli_option *o)
{
    fprintf(out, "complete -c %s -l %s", tool->name, o->name);
    if (o->letter) fprintf(out, " -s %c", o->letter);
    if (o->kind == CLI_CHOICE) {
        fputs(" -x -a '", out);
        words_of(out, o);
        putc('\'', out);
    } else if (takes_value(o)) {
        fputs(o->kind == CLI_TEXT ? " -r" : " -x", out);
    }
    fputs(" -d '", out);
    for (const char *p = o->help; *p; p++) {
        if (*p == '\'' || *p == '\\') putc('\\', out);
        putc(*p, out);
    }
    fputs("'\n", out);
}

static void write_fish(FILE *out, const cli_tool *tool)
{
    fprintf(out, "# %s(1) in fish: written by %s --help-as fish.\n", tool->name, tool->name);
    if (!tool->max_args) fprintf(out, "complete -c %s -f\n", tool->name);
    for_options(out, tool, fish_option);
}

bool cli_page_write(FILE *out, const cli_tool *tool, const char *kind)
{
    if (!strcmp(kind, "man"))
        write_man(out, tool);
    else if (!strcmp(kind, "bash"))
        write_bash(out, tool);
    else if (!strcmp(kind, "zsh"))
        write_zsh(out, tool);
    else if (!strcmp(kind, "fish"))
        write_fish(out, tool);
    else if (!strcmp(kind, "summary"))
        write_summary(out, tool), putc('\n', out);
    else
        return false;
    return true;
}
