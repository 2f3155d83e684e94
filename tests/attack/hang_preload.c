/* Lets a server hang when it stops: its last call never returns. For LD_PRELOAD. */
#include <unistd.h>

void MHD_stop_daemon(void *daemon);

void MHD_stop_daemon(void *daemon)
{
    (void)daemon;
    for (;;) pause();
}
