#include "pickle.h"

#include <string.h>

#define MAX_MEMO ((size_t)1 << 20)

typedef struct machine {
    import_bytes *in;
    const pickle_options *options;
    import_pool *pool;
    nbase_error *err;
    pickle_value **stack, **memo;
    size_t *marks; /* depths of the stack */
    size_t depth, stack_capacity, memo_count, memo_capacity, mark_count, mark_capacity;
} machine;

static bool no_memory(machine *m) { return tool_no_memory(m->err); }
static bool underflow(machine *m)
{
    return tool_fail(m->err, NBASE_ERR_FORMAT, "a broken pickle: it pops more than it pushed");
}

static pickle_value *new_value(machine *m, pickle_kind kind)
{
    pickle_value *v = import_alloc(m->pool, 1, sizeof *v);
    if (v) v->kind = kind;
    return v;
}

static bool push(machine *m, pickle_value *v)
{
    if (!v ||
        !import_grow(m->pool, (void **)&m->stack, m->depth, &m->stack_capacity, sizeof *m->stack))
        return no_memory(m);
    m->stack[m->depth++] = v;
    return true;
}

/* Opcodes may take values from the top of the stack down to here: those above the last mark. */
static size_t floor_of(const machine *m) { return m->mark_count ? m->marks[m->mark_count - 1] : 0; }

static pickle_value *pop(machine *m)
{
    return m->depth > floor_of(m) ? m->stack[--m->depth] : NULL;
}

static pickle_value *top(machine *m)
{
    return m->depth > floor_of(m) ? m->stack[m->depth - 1] : NULL;
}

static bool push_int(machine *m, pickle_kind kind, int64_t value)
{
    pickle_value *v = new_value(m, kind);
    if (v) v->integer = value;
    return push(m, v);
}

static bool push_bytes(machine *m, pickle_kind kind, size_t size)
{
    pickle_value *v = new_value(m, kind);
    if (!v) return no_memory(m);
    v->bytes = import_take(m->in, size);
    v->size = size;
    return m->in->bad ? tool_fail(m->err, NBASE_ERR_FORMAT, "truncated pickle") : push(m, v);
}

static bool append(machine *m, pickle_value *to, const pickle_value *item)
{
    if (!import_grow(m->pool, (void **)&to->items, to->count, &to->capacity, sizeof *to->items))
        return no_memory(m);
    to->items[to->count++] = item;
    return true;
}

/* Appends the topmost n values in order and removes them from the stack. */
static bool take_into(machine *m, pickle_value *to, size_t n)
{
    if (!to) return no_memory(m);
    if (m->depth - floor_of(m) < n) return underflow(m);
    for (size_t i = m->depth - n; i < m->depth; i++)
        if (!append(m, to, m->stack[i])) return false;
    m->depth -= n;
    return true;
}

static bool push_tuple(machine *m, size_t n)
{
    pickle_value *v = new_value(m, PICKLE_TUPLE);
    return take_into(m, v, n) && push(m, v);
}

/* Number of values above the last mark, which is removed. */
static bool pop_mark(machine *m, size_t *n)
{
    if (!m->mark_count) return underflow(m);
    *n = m->depth - m->marks[--m->mark_count];
    return true;
}

/* The value below the topmost n must be a container of the expected kind. */
static bool extend(machine *m, size_t n, bool dict)
{
    if (m->depth - floor_of(m) < n + 1) return underflow(m);
    pickle_value *to = m->stack[m->depth - n - 1];
    bool fits = dict ? (to->kind == PICKLE_DICT || to->kind == PICKLE_OBJECT) && n % 2 == 0
                     : to->kind == PICKLE_LIST;
    if (!fits)
        return tool_fail(m->err, NBASE_ERR_FORMAT,
                         "a broken pickle: items for a value that has none");
    return take_into(m, to, n);
}

static bool push_name(machine *m, const uint8_t *module, size_t module_size, const uint8_t *name,
                      size_t name_size)
{
    for (const char *const *known = m->options->names; *known; known++) {
        const char *space = strchr(*known, ' ');
        if ((size_t)(space - *known) != module_size || memcmp(*known, module, module_size))
            continue;
        if (strlen(space + 1) != name_size || memcmp(space + 1, name, name_size)) continue;
        pickle_value *v = new_value(m, PICKLE_NAME);
        if (v) v->name = *known;
        return push(m, v);
    }
    return tool_fail(m->err, NBASE_ERR_FORMAT,
                     "the pickle names %.*s.%.*s, which a weight file does not need: refused",
                     module_size > 60 ? 60 : (int)module_size, (const char *)module,
                     name_size > 60 ? 60 : (int)name_size, (const char *)name);
}

static const uint8_t *take_line(machine *m, size_t *size)
{
    const uint8_t *end = m->in->left ? memchr(m->in->p, '\n', m->in->left) : NULL;
    if (!end) {
        tool_fail(m->err, NBASE_ERR_FORMAT, "truncated pickle");
        return NULL;
    }
    *size = (size_t)(end - m->in->p);
    return import_take(m->in, *size + 1);
}

static bool op_global(machine *m)
{
    size_t module_size, name_size;
    const uint8_t *module = take_line(m, &module_size),
                  *name = module ? take_line(m, &name_size) : NULL;
    return name && push_name(m, module, module_size, name, name_size);
}

static bool op_stack_global(machine *m)
{
    const pickle_value *name = pop(m), *module = name ? pop(m) : NULL;
    if (!pickle_is(name, PICKLE_TEXT) || !pickle_is(module, PICKLE_TEXT)) return underflow(m);
    return push_name(m, module->bytes, module->size, name->bytes, name->size);
}

static bool op_call(machine *m)
{
    const pickle_value *args = pop(m), *callee = args ? pop(m) : NULL;
    if (!pickle_is(args, PICKLE_TUPLE) || !pickle_is(callee, PICKLE_NAME))
        return tool_fail(m->err, NBASE_ERR_FORMAT,
                         "a broken pickle: a call of a value that is not a name");
    pickle_value *v = new_value(m, PICKLE_OBJECT);
    if (v) {
        v->name = callee->name;
        v->args = args;
    }
    return push(m, v);
}

static bool op_build(machine *m)
{
    const pickle_value *state = pop(m);
    pickle_value *object = top(m);
    if (!state || !pickle_is(object, PICKLE_OBJECT))
        return tool_fail(m->err, NBASE_ERR_FORMAT,
                         "a broken pickle: a state for a value that has none");
    object->state = state;
    return !m->options->after_build || m->options->after_build(object, m->in, m->err);
}

/* A number of any length, in two's complement; none here needs more than 8 bytes. */
static bool op_long(machine *m)
{
    size_t n = import_u8(m->in);
    const uint8_t *p = import_take(m->in, n);
    if (!p || n > 8)
        return tool_fail(m->err, NBASE_ERR_FORMAT, "the pickle has a number of %zu bytes", n);
    uint64_t value = n && p[n - 1] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = n; i-- > 0;) value = value << 8 | p[i];
    return push_int(m, PICKLE_INT, (int64_t)value);
}

static bool op_persistent(machine *m)
{
    pickle_value *v = new_value(m, PICKLE_PERSISTENT);
    if (!take_into(m, v, 1) || !push(m, v)) return false;
    return !m->options->persistent || m->options->persistent(v->items[0], m->options->ctx, m->err);
}

static bool op_put(machine *m, size_t i)
{
    pickle_value *v = top(m);
    if (!v) return underflow(m);
    if (i >= MAX_MEMO) return tool_fail(m->err, NBASE_ERR_FORMAT, "a broken pickle: memo %zu", i);
    while (m->memo_count <= i) {
        if (!import_grow(m->pool, (void **)&m->memo, m->memo_count, &m->memo_capacity,
                         sizeof *m->memo))
            return no_memory(m);
        m->memo[m->memo_count++] = NULL;
    }
    m->memo[i] = v;
    return true;
}

static bool op_get(machine *m, size_t i)
{
    if (i >= m->memo_count || !m->memo[i])
        return tool_fail(m->err, NBASE_ERR_FORMAT, "a broken pickle: memo %zu is not set", i);
    return push(m, m->memo[i]);
}

static bool op_mark(machine *m)
{
    if (!import_grow(m->pool, (void **)&m->marks, m->mark_count, &m->mark_capacity,
                     sizeof *m->marks))
        return no_memory(m);
    m->marks[m->mark_count++] = m->depth;
    return true;
}

static bool step(machine *m, uint8_t op)
{
    size_t n = 0;
    switch (op) {
    case 0x80:
        n = import_u8(m->in);
        return (n >= 2 && n <= 4) ||
               tool_fail(m->err, NBASE_ERR_FORMAT, "pickle protocol %zu is not supported", n);
    case 0x95: import_u64(m->in); return true; /* FRAME: the bytes follow all the same */
    case '(': return op_mark(m);
    case 'N': return push(m, new_value(m, PICKLE_NONE));
    case 0x88: return push_int(m, PICKLE_BOOL, 1);
    case 0x89: return push_int(m, PICKLE_BOOL, 0);
    case 'J': return push_int(m, PICKLE_INT, (int32_t)import_u32(m->in));
    case 'K': return push_int(m, PICKLE_INT, import_u8(m->in));
    case 'M': return push_int(m, PICKLE_INT, import_u16(m->in));
    case 'G': import_u64(m->in); return push(m, new_value(m, PICKLE_FLOAT));
    case 0x8a: return op_long(m);
    case 'U': return push_bytes(m, PICKLE_BYTES, import_u8(m->in));
    case 'T': return push_bytes(m, PICKLE_BYTES, import_u32(m->in));
    case 'X': return push_bytes(m, PICKLE_TEXT, import_u32(m->in));
    case 0x8c: return push_bytes(m, PICKLE_TEXT, import_u8(m->in));
    case ')': return push_tuple(m, 0);
    case 0x85: return push_tuple(m, 1);
    case 0x86: return push_tuple(m, 2);
    case 0x87: return push_tuple(m, 3);
    case 't': return pop_mark(m, &n) && push_tuple(m, n);
    case ']': return push(m, new_value(m, PICKLE_LIST));
    case 'a': return extend(m, 1, false);
    case 'e': return pop_mark(m, &n) && extend(m, n, false);
    case '}': return push(m, new_value(m, PICKLE_DICT));
    case 's': return extend(m, 2, true);
    case 'u': return pop_mark(m, &n) && extend(m, n, true);
    case 'c': return op_global(m);
    case 0x93: return op_stack_global(m);
    case 'R':
    case 0x81: return op_call(m);
    case 'b': return op_build(m);
    case 'Q': return op_persistent(m);
    case 'q': return op_put(m, import_u8(m->in));
    case 'r': return op_put(m, import_u32(m->in));
    case 0x94: return op_put(m, m->memo_count);
    case 'h': return op_get(m, import_u8(m->in));
    case 'j': return op_get(m, import_u32(m->in));
    default:
        return tool_fail(m->err, NBASE_ERR_FORMAT,
                         "pickle opcode 0x%02x, which a weight file does not need: refused", op);
    }
}

const pickle_value *pickle_read(import_bytes *in, const pickle_options *options, import_pool *pool,
                                nbase_error *err)
{
    machine m = {.in = in, .options = options, .pool = pool, .err = err};
    for (;;) {
        uint8_t op = import_u8(in);
        bool stop = op == '.';
        bool ok = in->bad || stop || step(&m, op);
        if (in->bad) tool_fail(err, NBASE_ERR_FORMAT, "truncated pickle");
        if (in->bad || !ok) return NULL;
        if (!stop) continue;
        if (m.depth == 1 && !m.mark_count) return m.stack[0];
        tool_fail(err, NBASE_ERR_FORMAT, "a broken pickle: not one value at its end");
        return NULL;
    }
}

bool pickle_is(const pickle_value *v, pickle_kind kind) { return v && v->kind == kind; }

bool pickle_text_is(const pickle_value *v, const char *text)
{
    if (!pickle_is(v, PICKLE_BYTES) && !pickle_is(v, PICKLE_TEXT)) return false;
    return v->size == strlen(text) && !memcmp(v->bytes, text, v->size);
}

bool pickle_object_is(const pickle_value *v, const char *name)
{
    return pickle_is(v, PICKLE_OBJECT) && !strcmp(v->name, name);
}

const pickle_value *pickle_item(const pickle_value *v, size_t i)
{
    if (!pickle_is(v, PICKLE_TUPLE) && !pickle_is(v, PICKLE_LIST)) return NULL;
    return i < v->count ? v->items[i] : NULL;
}

const pickle_value *pickle_get(const pickle_value *v, const char *key)
{
    if (!pickle_is(v, PICKLE_DICT) && !pickle_is(v, PICKLE_OBJECT)) return NULL;
    for (size_t i = 0; i + 1 < v->count; i += 2)
        if (pickle_text_is(v->items[i], key)) return v->items[i + 1];
    return NULL;
}

bool pickle_size(const pickle_value *v, size_t *out)
{
    if (!pickle_is(v, PICKLE_INT) || v->integer < 0) return false;
    *out = (size_t)v->integer;
    return true;
}

bool pickle_sizes(const pickle_value *v, size_t *out, size_t most, size_t *count)
{
    if (!pickle_is(v, PICKLE_TUPLE) || v->count > most) return false;
    for (size_t i = 0; i < v->count; i++)
        if (!pickle_size(v->items[i], &out[i])) return false;
    *count = v->count;
    return true;
}
