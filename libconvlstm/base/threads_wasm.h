/* threads_wasm.h - internal: what the host of a module with threads calls (threads_wasm.c). */
#ifndef NBASE_THREADS_WASM_H
#define NBASE_THREADS_WASM_H

/* For helper 0, 1, ...: does its part of all work from now on, and never returns. Each helper has a
 * stack of its own, and has been counted by nbase__os_join before. */
void nbase__wasm_serve(int helper);

#endif
