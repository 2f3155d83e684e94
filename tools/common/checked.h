/* checked.h - lets the compiler check the arguments of functions that take a format. */
#ifndef SKIN_CHECKED_H
#define SKIN_CHECKED_H

/* Parameter `f` is a format of C's, whose arguments begin with parameter `a`. Without this gcc for
 * Windows thinks of the formats of Microsoft's library. */
#ifdef __MINGW32__
#define TOOL_PRINTF(f, a) __attribute__((format(gnu_printf, f, a)))
#else
#define TOOL_PRINTF(f, a) __attribute__((format(printf, f, a)))
#endif

#endif
