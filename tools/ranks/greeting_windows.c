#include <stdio.h>

#include "cli.h"
#include "greeting.h"
#include "system.h"

/* Windows numbers processors by groups, and no launcher of it is known to bind ranks to them: all
 * ranks may use all. */
void greeting_fill(greeting *g)
{
    *g = (greeting){.cores = nbase_cpu_count(), .online = nbase_cpu_count(), .sharers = 1};
    snprintf(g->program, sizeof g->program, "%s %s for Windows", cli_tool_name(), nbase_version());
    system_host(g->host, sizeof g->host);
    snprintf(g->isa, sizeof g->isa, "%s", nbase_isa_name(nbase_isa_active()));
    for (size_t i = 0; i < sizeof g->mask; i++) g->mask[i] = 0xff;
}
