#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli.h"
#include "greeting.h"

_Static_assert(sizeof(cpu_set_t) <= sizeof((greeting *)0)->mask, "a greeting has a cpu_set_t");

void greeting_fill(greeting *g)
{
    struct utsname machine;
    cpu_set_t cores;
    *g = (greeting){.cores = nbase_cpu_count(), .sharers = 1};
    if (uname(&machine)) memset(&machine, 0, sizeof machine);
    snprintf(g->program, sizeof g->program, "%s %s for %.60s", cli_tool_name(), nbase_version(),
             machine.machine);
    snprintf(g->host, sizeof g->host, "%.70s", machine.nodename);
    snprintf(g->isa, sizeof g->isa, "%s", nbase_isa_name(nbase_isa_active()));
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    g->online = online > 0 ? (int)online : 1;
    if (!sched_getaffinity(0, sizeof cores, &cores)) memcpy(g->mask, &cores, sizeof cores);
}
