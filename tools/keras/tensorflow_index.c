#include <string.h>

#include "../import/protobuf.h"
#include "tensorflow.h"

#define TABLE_MAGIC 0xdb4775248b80fb57u
enum { FOOTER = 48, TRAILER = 5, NO_COMPRESSION = 0, MAX_KEY = 4096 };
#define MAX_ENTRIES 100000

/* ---- checksums ---- */

/* Four bits at a time; the polynomial is 0x1EDC6F41, bits reversed. */
uint32_t tensorflow_crc32c(uint32_t crc, const void *bytes, size_t n)
{
    static const uint32_t table[16] = {0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1,
                                       0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
                                       0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9,
                                       0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75};
    const uint8_t *p = bytes;
    crc = ~crc;
    while (n--) {
        crc ^= *p++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

uint32_t tensorflow_masked(uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; }

/* ---- the table ---- */

typedef struct table {
    const uint8_t *bytes;
    size_t size;
    nbase_error *err;
} table;

/* A block without its trailer (a byte for the compression, the checksum of both). */
static bool open_block(const table *t, uint64_t offset, uint64_t size, import_bytes *out)
{
    if (offset > t->size || t->size - offset < TRAILER || size > t->size - offset - TRAILER)
        return tool_fail(t->err, NBASE_ERR_FORMAT, "a block lies beyond the end: truncated");
    const uint8_t *p = t->bytes + offset;
    import_bytes trailer = {p + size, TRAILER, false};
    if (import_u8(&trailer) != NO_COMPRESSION)
        return tool_fail(t->err, NBASE_ERR_FORMAT, "a compressed block: TensorFlow writes none");
    if (import_u32(&trailer) != tensorflow_masked(tensorflow_crc32c(0, p, (size_t)size + 1)))
        return tool_fail(t->err, NBASE_ERR_FORMAT, "the checksum of the block at byte %zu is wrong",
                         (size_t)offset);
    *out = (import_bytes){p, (size_t)size, false};
    return true;
}

/* Drops the list of restart points at a block's end, which only a search needs. */
static bool drop_restarts(const table *t, import_bytes *block)
{
    if (block->left < 4) return tool_fail(t->err, NBASE_ERR_FORMAT, "a block without an end");
    import_bytes last = {block->p + block->left - 4, 4, false};
    uint64_t restarts = import_u32(&last), list = 4 + 4 * restarts;
    if (list > block->left)
        return tool_fail(t->err, NBASE_ERR_FORMAT,
                         "a block's list of restarts is longer than the block");
    block->left -= (size_t)list;
    return true;
}

/* The name of the current entry. */
typedef struct key_buffer {
    char text[MAX_KEY + 1];
    size_t length;
    /* bytes of it that the next name may share: 0 at the beginning of a block */
    size_t sharable;
} key_buffer;

static bool next_pair(const table *t, import_bytes *block, key_buffer *key, import_bytes *value)
{
    uint64_t shared = protobuf_varint(block), rest = protobuf_varint(block),
             size = protobuf_varint(block);
    if (block->bad || shared > key->sharable || rest > MAX_KEY - shared || rest > block->left ||
        size > block->left - rest)
        return tool_fail(t->err, NBASE_ERR_FORMAT, "a broken entry");
    const uint8_t *more = import_take(block, (size_t)rest);
    size_t common = (size_t)shared, tail = key->length - common,
           least = tail < rest ? tail : (size_t)rest;
    int order = memcmp(key->text + common, more, least);
    if (order > 0 || (!order && rest < tail))
        return tool_fail(t->err, NBASE_ERR_FORMAT, "its names are not in order");
    memcpy(key->text + common, more, (size_t)rest);
    key->sharable = key->length = common + (size_t)rest;
    key->text[key->length] = '\0';
    *value = (import_bytes){import_take(block, (size_t)size), (size_t)size, false};
    return true;
}

static bool read_handle(import_bytes *in, uint64_t *offset, uint64_t *size)
{
    *offset = protobuf_varint(in);
    *size = protobuf_varint(in);
    return !in->bad;
}

/* ---- BundleHeaderProto, BundleEntryProto ---- */

static bool read_header(const table *t, import_bytes in, tensorflow_index *out)
{
    out->shards = 0;
    bool little = true;
    for (protobuf_field f; protobuf_next(&in, &f);) {
        if (f.number == 1 && f.wire == PROTOBUF_VARINT && f.value <= 1000)
            out->shards = (unsigned)f.value;
        if (f.number == 2 && f.wire == PROTOBUF_VARINT) little = f.value == 0;
    }
    if (in.bad || !out->shards) return tool_fail(t->err, NBASE_ERR_FORMAT, "a broken header");
    return little ||
           tool_fail(t->err, NBASE_ERR_FORMAT, "numbers in big-endian order are not supported");
}

static bool read_dim(import_bytes in, tensorflow_entry *e)
{
    uint64_t size = 0;
    for (protobuf_field f; protobuf_next(&in, &f);)
        if (f.number == 1 && f.wire == PROTOBUF_VARINT) size = f.value;
    if (in.bad || e->ndim == NBASE_MAX_DIMS || size > (uint64_t)1 << 40) return false;
    e->shape[e->ndim++] = (size_t)size;
    return true;
}

static bool read_shape(import_bytes in, tensorflow_entry *e)
{
    for (protobuf_field f; protobuf_next(&in, &f);)
        if (f.number == 2 && (f.wire != PROTOBUF_BYTES || !read_dim(f.bytes, e))) return false;
    return !in.bad;
}

static bool read_entry(const table *t, import_bytes in, tensorflow_entry *e)
{
    bool ok = true;
    for (protobuf_field f; ok && protobuf_next(&in, &f);) {
        bool number = f.wire == PROTOBUF_VARINT;
        switch (f.number) {
        case 1:
            ok = number && f.value < 1000;
            e->dtype = (unsigned)f.value;
            break;
        case 2: ok = f.wire == PROTOBUF_BYTES && !e->ndim && read_shape(f.bytes, e); break;
        case 3:
            ok = number && f.value < 1000;
            e->shard = (unsigned)f.value;
            break;
        case 4:
            ok = number;
            e->offset = f.value;
            break;
        case 5:
            ok = number;
            e->size = f.value;
            break;
        case 6:
            ok = f.wire == PROTOBUF_32;
            e->crc = (uint32_t)f.value;
            break;
        case 7: e->sliced = true; break;
        }
    }
    return (ok && !in.bad) ||
           tool_fail(t->err, NBASE_ERR_FORMAT, "the entry of \"%.100s\" is broken", e->key);
}

static bool add_entry(const table *t, const key_buffer *key, import_bytes value, size_t *capacity,
                      tensorflow_index *out)
{
    /* the empty name comes first */
    if (!key->length && !out->shards) return read_header(t, value, out);
    if (!out->shards) return tool_fail(t->err, NBASE_ERR_FORMAT, "it has no header");
    if (out->count && !strcmp(out->entries[out->count - 1].key, key->text))
        return tool_fail(t->err, NBASE_ERR_FORMAT, "\"%.100s\" occurs twice", key->text);
    if (!key->length || strlen(key->text) != key->length)
        return tool_fail(t->err, NBASE_ERR_FORMAT, "a name that is not text");
    if (out->count == MAX_ENTRIES)
        return tool_fail(t->err, NBASE_ERR_FORMAT, "more than %d tensors", MAX_ENTRIES);
    if (!import_grow(&out->pool, (void **)&out->entries, out->count, capacity,
                     sizeof *out->entries))
        return tool_no_memory(t->err);
    tensorflow_entry *e = &out->entries[out->count];
    memset(e, 0, sizeof *e);
    e->key = import_alloc(&out->pool, key->length + 1, 1);
    if (!e->key) return tool_no_memory(t->err);
    memcpy(e->key, key->text, key->length + 1);
    out->count++;
    if (!read_entry(t, value, e)) return false;
    return e->shard < out->shards ||
           tool_fail(t->err, NBASE_ERR_FORMAT, "\"%.100s\" is said to be in file %u of %u", e->key,
                     e->shard + 1, out->shards);
}

bool tensorflow_read_index(const void *bytes, size_t size, tensorflow_index *out, nbase_error *err)
{
    table t = {bytes, size, err};
    if (size < FOOTER)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "not the index of a TensorFlow checkpoint: too short");
    import_bytes footer = {t.bytes + size - FOOTER, FOOTER, false},
                 magic = {t.bytes + size - 8, 8, false}, blocks, block, value;
    if (import_u64(&magic) != TABLE_MAGIC)
        return tool_fail(
            err, NBASE_ERR_FORMAT,
            "not the index of a TensorFlow checkpoint, or truncated: its last bytes are wrong");
    uint64_t offset, length;
    t.size = size - FOOTER;
    /* the first handle is that of the filters */
    if (!read_handle(&footer, &offset, &length) || !read_handle(&footer, &offset, &length))
        return tool_fail(err, NBASE_ERR_FORMAT, "a broken footer");
    if (!open_block(&t, offset, length, &blocks) || !drop_restarts(&t, &blocks)) return false;
    key_buffer separator = {.length = 0}, key = {.length = 0};
    size_t capacity = 0;
    while (blocks.left) {
        if (!next_pair(&t, &blocks, &separator, &value)) return false;
        if (!read_handle(&value, &offset, &length))
            return tool_fail(err, NBASE_ERR_FORMAT, "a broken entry of a block");
        if (!open_block(&t, offset, length, &block) || !drop_restarts(&t, &block)) return false;
        key.sharable = 0;
        while (block.left) {
            import_bytes entry;
            if (!next_pair(&t, &block, &key, &entry) || !add_entry(&t, &key, entry, &capacity, out))
                return false;
        }
    }
    return out->shards || tool_fail(err, NBASE_ERR_FORMAT, "it has no header");
}

const tensorflow_entry *tensorflow_find(const tensorflow_index *index, const char *key)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(index->entries[middle].key, key);
        if (!order) return &index->entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
