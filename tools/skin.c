/* skin - one front for all tools: `skin train ...` runs skin-train. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "fileio.h"

#define PREFIX "skin-"

static const cli_option options[] = {{0}};

static const cli_tool tool = {
    .name = "skin",
    .usage = "COMMAND [ARGUMENTS]\n       skin help [COMMAND]",
    .about = "Runs a tool of SkinCredible: skin train is skin-train, with the same arguments.\n"
             "skin help lists the commands, skin help COMMAND shows the options of one.\n",
    .options = options,
    .notes = "Tools are looked for beside skin, then in the folders of $PATH.\n"
             "Example: skin predict model.safetensors photos/\n",
    .min_args = 0,
    .max_args = -1,
};

/* The folder of this program, or null. The caller frees it. */
static char *own_folder(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0) return NULL;
    path[n] = 0;
    char *slash = strrchr(path, '/');
    if (!slash) return NULL;
    *slash = 0;
    return strdup(*path ? path : "/");
}

/* Becomes the tool; returns only if there is none. */
static void become(const char *folder, const char *command, char **argv)
{
    char name[80];
    if (strchr(command, '/') ||
        (size_t)snprintf(name, sizeof name, PREFIX "%s", command) >= sizeof name) {
        errno = ENOENT;
        return;
    }
    char *beside = folder ? file_join(folder, name, NULL) : NULL;
    argv[0] = name;
    if (beside) execv(beside, argv);
    free(beside);
    execvp(name, argv);
}

static int is_tool(const struct dirent *e) { return !strncmp(e->d_name, PREFIX, strlen(PREFIX)); }

/* A line for each tool in the folder: its command, and what it says of itself. */
static bool list_tools(const char *folder)
{
    struct dirent **found;
    int count = folder ? scandir(folder, &found, is_tool, alphasort) : -1;
    if (count < 0) return false;
    for (int i = 0; i < count; i++) {
        char *path = file_join(folder, found[i]->d_name, NULL);
        printf("  %-11s ", found[i]->d_name + strlen(PREFIX));
        fflush(stdout); /* before the tool's own output */
        pid_t child = fork();
        if (!child) {
            execl(path, path, "--help-as", "summary", (char *)NULL);
            _exit(127);
        }
        int status = 1;
        if (child > 0) waitpid(child, &status, 0);
        if (status) putchar('\n');
        free(path);
        free(found[i]);
    }
    free(found);
    return count > 0;
}

static int help(const char *folder)
{
    printf("Usage: skin %s\n\nCommands:\n", tool.usage);
    if (!list_tools(folder)) {
        cli_error("%s: no tool is here", folder ? folder : "/proc/self/exe");
        return CLI_FAILURE;
    }
    printf("\nskin help COMMAND shows the options of one; skin COMMAND is the same as "
           "skin-COMMAND.\n");
    return CLI_OK;
}

static int run_tool(const char *folder, int argc, char **argv)
{
    const char *command = argv[1];
    bool asks = !strcmp(command, "help");
    if (asks && argc > 3) {
        cli_error("too many arguments: '%s'", argv[3]);
        return CLI_USAGE;
    }
    if (asks && argc == 2) return help(folder);
    if (asks) {
        command = argv[2];
        become(folder, command, (char *[]){NULL, "--help", NULL});
    } else {
        become(folder, command, argv + 1);
    }
    if (errno == ENOENT)
        cli_error("'%s' is no command: skin help lists them", command);
    else
        cli_error("skin-%s: cannot run: %s", command, strerror(errno));
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    int first;
    char *folder = own_folder();
    /* Options after a command are the tool's own. */
    if (argc > 1 && argv[1][0] != '-') {
        int status = run_tool(folder, argc, argv);
        free(folder);
        return status;
    }
    int status = cli_parse(&tool, argc, argv, &first);
    if (status < 0) status = argc == 1 ? help(folder) : CLI_USAGE;
    free(folder);
    return status;
}
