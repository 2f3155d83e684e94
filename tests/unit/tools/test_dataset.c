/* The files between the steps: what is written comes back, and what is wrong is refused with its
 * line or key named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/dataset.h"
#include "fileio.h"
#include "nbase.h"

static char dir[] = "/tmp/test_dataset.XXXXXX";
static char path[64];
static store *faces;

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%s/user_data.txt", dir);
    nbase_error err;
    return (faces = store_open(dir, &err)) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    store_close(faces);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

/* ---- errors ---- */

static nbase_error err;

/* The last error is one line with these words in it. */
static void assert_says(const char *words)
{
    if (!strstr(err.text, words)) fail_msg("'%s' does not say '%s'", err.text, words);
    assert_null(strchr(err.text, '\n'));
    err = (nbase_error){0};
}

static void put(const char *name, const char *text)
{
    char *file = file_join(dir, name, &err);
    assert_true(file_write(file, text, strlen(text), &err));
    free(file);
}

/* ---- user_data.txt ---- */

static void test_users_round_trip(void **state)
{
    (void)state;
    char *images[] = {"u1/a.jpg", "u1/b \"quoted\".jpg"};
    user_record users[] = {{"000000000012", 1, "much better \xE2\x9C\x93\nthan before", images, 2},
                           {"x_Y-9", 0, "", NULL, 0}};
    user_list in = {users, 2}, out;
    assert_true(user_list_write(path, &in, &err));
    assert_true(user_list_read(path, &out, &err));
    assert_int_equal(out.count, 2);
    for (size_t u = 0; u < 2; u++) {
        assert_string_equal(out.users[u].id, users[u].id);
        assert_string_equal(out.users[u].note, users[u].note);
        assert_int_equal(out.users[u].label, users[u].label);
        assert_int_equal(out.users[u].image_count, users[u].image_count);
        for (size_t i = 0; i < users[u].image_count; i++)
            assert_string_equal(out.users[u].images[i], images[i]);
    }
    assert_ptr_equal(user_list_find(&out, "x_Y-9"), &out.users[1]);
    assert_null(user_list_find(&out, "x_Y"));
    user_list_free(&out);
}

/* The original wrote its lines with Python's json.dumps; Windows editors end them differently, and
 * put a byte-order mark in front and blank lines behind. */
static void test_users_as_python_writes_them(void **state)
{
    (void)state;
    put("user_data.txt", "\xEF\xBB\xBF[\"7\", \"0\", \"caf\\u00e9\", \"7/1.jpg\"]\r\n[\"8\", "
                         "\"1\", \"ok\", \"8/1.jpg\"]\n \r\n");
    user_list out;
    assert_true(user_list_read(path, &out, &err));
    assert_int_equal(out.count, 2);
    assert_string_equal(out.users[0].note, "caf\xC3\xA9");
    user_list_free(&out);
}

static void test_users_refused(void **state)
{
    (void)state;
    static const char good[] = "[\"1\",\"0\",\"n\",\"a.jpg\"]\n";
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"{\"id\":1}\n", "line 2: expected an array"},
        {"[\"2\",\"0\"]\n", "line 2: expected an array"},
        {"[\"2\",0,\"n\"]\n", "line 2: every item must be a string"},
        {"[\"2\",\"2\",\"n\"]\n", "line 2: the label"},
        {"[\"2\",\"0\",\"n\",\"../../etc/passwd\"]\n", "line 2: an image path"},
        {"[\"2\",\"0\",\"n\",\"a/../../b.jpg\"]\n", "line 2: an image path"},
        {"[\"2\",\"0\",\"n\",\"/etc/passwd\"]\n", "line 2: an image path"},
        {"[\"2\",\"0\",\"n\",\"\"]\n", "line 2: an image path"},
        {"[\"../2\",\"0\",\"n\"]\n", "line 2: a user id"},
        {"[\"\",\"0\",\"n\"]\n", "line 2: a user id"},
        {"[\"12345678901234567890123456789012345678901234567890123456789012345\",\"0\",\"n\"]\n",
         "line 2: a user id"},
        {"[\"1\",\"0\",\"n\"]\n", "line 2: user 1 is there twice"},
        {"[\"2\",\"0\",\"n\"", "line 2: "},
        {"[\"2\",\"0\",\"\xFF\"]\n", "line 2: "},
        {"[\"2\",\"0\",\"n\"] x\n", "line 2: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[400];
        snprintf(text, sizeof text, "%s%s", good, cases[i].line);
        put("user_data.txt", text);
        user_list out;
        bool ok = user_list_read(path, &out, &err);
        assert_says(cases[i].words);
        assert_false(ok);
        assert_null(out.users);
    }
    put("user_data.txt", "");
    user_list out;
    assert_false(user_list_read(path, &out, &err));
    assert_says("no user in it");
}

static void test_file_names_with_dots_are_fine(void **state)
{
    (void)state;
    put("user_data.txt", "[\"1\",\"0\",\"n\",\"..a/b..c/.d\"]\n");
    user_list out;
    assert_true(user_list_read(path, &out, &err));
    user_list_free(&out);
}

/* ---- the split ---- */

static void test_split_round_trip(void **state)
{
    (void)state;
    data_split in = {0}, out;
    char id[16];
    for (int i = 40; i-- > 0;) { /* against the order of sorting */
        snprintf(id, sizeof id, "u%02d", i * 7 % 40);
        assert_true(data_split_add(&in, i % 4 == 3 ? PART_NONE : (data_part)(i % 4), id, i % 3 == 0,
                                   NULL, NULL, &err));
    }
    assert_int_equal(in.user_count, 40);
    for (size_t i = 1; i < in.user_count; i++)
        assert_true(strcmp(in.users[i - 1]->id, in.users[i]->id) < 0);
    data_split_free(&in);

    in = (data_split){0};
    assert_true(data_split_add(&in, PART_TRAIN, "b", 0, NULL, NULL, &err));
    /* a real person whose id looks like a copy's */
    assert_true(data_split_add(&in, PART_TRAIN, "9991", 1, NULL, NULL, &err));
    assert_true(data_split_add(&in, PART_TEST, "a", 1, NULL, NULL, &err));
    assert_true(data_split_add(&in, PART_NONE, "c", 1, NULL, NULL, &err));
    /* a second id of b, and a mirrored copy of that */
    assert_true(data_split_add(&in, PART_TRAIN, "b2", 0, "b", NULL, &err));
    assert_true(data_split_add(&in, PART_TRAIN, "999b2", 0, "b", "b2", &err));
    assert_false(data_split_add(&in, PART_TRAIN, "a", 1, NULL, NULL, &err));
    assert_says("a is there twice");
    /* in no part yet, but with another label */
    assert_false(data_split_add(&in, PART_TEST, "c", 0, NULL, NULL, &err));
    assert_says("c is there twice");
    assert_true(data_split_write(dir, &in, &err));
    assert_true(data_split_read(dir, &out, &err));
    assert_int_equal(out.user_count, 6);
    assert_int_equal(out.count[PART_TRAIN], 4);
    assert_int_equal(out.count[PART_VALIDATION], 0);
    assert_int_equal(out.count[PART_TEST], 1);
    assert_string_equal(out.part[PART_TRAIN][0]->id, "b");
    assert_string_equal(out.part[PART_TRAIN][1]->id, "9991");
    assert_string_equal(out.part[PART_TRAIN][1]->person, "9991");
    assert_null(out.part[PART_TRAIN][1]->mirror_of);
    assert_string_equal(out.part[PART_TRAIN][2]->id, "b2");
    assert_string_equal(out.part[PART_TRAIN][2]->person, "b");
    assert_false(data_user_is_copy(out.part[PART_TRAIN][2]));
    assert_string_equal(out.part[PART_TRAIN][3]->id, "999b2");
    assert_string_equal(out.part[PART_TRAIN][3]->person, "b");
    assert_string_equal(out.part[PART_TRAIN][3]->mirror_of, "b2");
    assert_int_equal(out.part[PART_TEST][0]->label, 1);
    assert_int_equal(data_split_find(&out, "c")->part, PART_NONE);
    assert_null(data_split_find(&out, "d"));
    assert_true(data_split_add(&out, PART_VALIDATION, "c", 1, NULL, NULL, &err));
    assert_int_equal(out.user_count, 6);
    assert_string_equal(out.part[PART_VALIDATION][0]->id, "c");
    data_split_free(&in);
    data_split_free(&out);
}

static void test_split_refused(void **state)
{
    (void)state;
    static const char labels[] = "{\"a\":[0,1],\"b\":[1,0],\"999b\":[1,0]}",
                      parts[] = "{\"train\":[\"b\",\"999b\"],\"validation\":[],\"test\":[\"a\"]}",
                      flips[] = "{\"999b\":\"b\"}";
    static const struct {
        const char *labels, *flips, *parts, *words;
    } cases[] = {
        {"[]", flips, parts, "label.json: expected an object"},
        {"{\"a\":[1,1]}", flips, parts, "user 'a'"},
        {"{\"a\":[0,1,0]}", flips, parts, "user 'a'"},
        {"{\"a\":1}", flips, parts, "user 'a'"},
        {"{\"a\":[0.0,1.0]}", flips, parts, "user 'a'"},
        {"{\"a/b\":[0,1]}", flips, parts, "user 'a/b'"},
        {"{\"a\":[0,1],\"a\":[0,1]}", flips, parts, "label.json: line 1"},
        {labels, "{\"999b\":\"a\"}", parts, "999 and the person's id"},
        {labels, "{\"999x\":\"x\"}", parts, "no label"},
        {labels, "{\"999b\":1}", parts, "no label"},
        {"{\"a\":[0,1],\"b\":[1,0],\"999b\":[0,1]}", flips, parts, "another label"},
        {labels, flips, "{\"train\":[\"b\",\"999b\"],\"test\":[\"a\"]}",
         "\"validation\" is missing"},
        {labels, flips,
         "{\"train\":[\"b\",\"999b\"],\"validation\":[],\"test\":[\"a\"],\"more\":[]}",
         "only train"},
        {labels, flips, "{\"train\":[\"b\"],\"validation\":[\"999b\"],\"test\":[\"a\"]}",
         "same part"},
        {labels, flips, "{\"train\":[\"999b\"],\"validation\":[],\"test\":[\"a\"]}", "same part"},
        {labels, flips, "{\"train\":[\"a\"],\"validation\":[],\"test\":[\"a\"]}",
         "user 'a' is there twice"},
        {labels, flips, "{\"train\":[\"z\"],\"validation\":[],\"test\":[\"a\"]}",
         "user 'z' has no label"},
        {labels, flips, "{\"train\":[7],\"validation\":[],\"test\":[\"a\"]}", "an id is text"},
        {labels, flips, "{\"train\":[", "partition.json: line 1"},
    };
    put("persons.json", "{}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("label.json", cases[i].labels);
        put("flipped.json", cases[i].flips);
        put("partition.json", cases[i].parts);
        data_split out;
        bool ok = data_split_read(dir, &out, &err);
        assert_says(cases[i].words);
        assert_false(ok);
        assert_null(out.users);
    }
    put("label.json", labels);
    put("flipped.json", flips);
    put("partition.json", parts);
    data_split out;
    assert_true(data_split_read(dir, &out, &err));
    data_split_free(&out);

    /* second ids */
    static const struct {
        const char *persons, *words; /* null: allowed */
    } same[] = {
        {"{\"a\":\"b\"}", "a leak: 999b is in train and a in test"},
        {"{\"a\":\"x\",\"b\":\"x\"}", "both are the face of x"},
        {"{\"a\":\"x\",\"b\":\"y\"}", NULL},
        {"{\"z\":\"a\"}", "no label"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "another one's second id"},
        {"{\"a\":\"../b\"}", "no valid id"},
        {"[]", "persons.json: expected an object"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        put("persons.json", same[i].persons);
        bool ok = data_split_read(dir, &out, &err);
        if (same[i].words) assert_says(same[i].words);
        assert_int_equal(ok, !same[i].words);
        if (ok) data_split_free(&out);
    }
    put("persons.json", "{}");
    char *missing = file_join(dir, "partition.json", &err);
    unlink(missing);
    free(missing);
    assert_false(data_split_read(dir, &out, &err));
    assert_says("partition.json: cannot read");
}

/* ---- FACES/<user>.npz ---- */

static void test_series_round_trip(void **state)
{
    (void)state;
    face_series in, out;
    assert_true(face_series_create(3, 8, &in, &err));
    for (size_t i = 0; i < 8 * 8 * 3; i++)
        in.img[i] = (uint8_t)i, in.img[2 * 8 * 8 * 3 + i] = (uint8_t)(255 - i);
    in.mask[0] = in.mask[2] = 1;
    for (int i = 0; i < 4; i++) in.box[i] = 10 + i, in.box[8 + i] = -i;
    in.score[0] = 0.75f, in.score[2] = 1;
    for (int i = 0; i < 10; i++) in.landmarks[20 + i] = (float)i / 3;
    in.frame[1] = 1, in.frame[2] = 5;
    in.photo[0] = 640, in.photo[5] = 480;
    in.rotation[2] = 270;
    for (int i = 0; i < QUALITY_MEASURES; i++) in.quality[QUALITY_MEASURES + i] = (float)i / 7;
    in.reason[1] = 6;
    assert_true(face_series_write(faces, "7", &in, &err));
    assert_true(face_series_read(faces, "7", &out, &err));
    assert_int_equal(out.count, 3);
    assert_int_equal(out.size, 8);
    assert_int_equal(face_series_valid(&out), 2);
    assert_memory_equal(out.img, in.img, 3 * 8 * 8 * 3);
    assert_memory_equal(out.mask, in.mask, 3);
    assert_memory_equal(out.box, in.box, 3 * 4 * 4);
    assert_memory_equal(out.score, in.score, 3 * 4);
    assert_memory_equal(out.landmarks, in.landmarks, 3 * 10 * 4);
    assert_memory_equal(out.frame, in.frame, 3 * 4);
    assert_memory_equal(out.photo, in.photo, 3 * 2 * 4);
    assert_memory_equal(out.rotation, in.rotation, 3 * 4);
    assert_memory_equal(out.quality, in.quality, 3 * QUALITY_MEASURES * 4);
    assert_memory_equal(out.reason, in.reason, 3 * 4);
    face_series_free(&in);
    face_series_free(&out);
}

/* An array of another type or length than the layout says is refused by its name, and so is a file
 * cut short. */
static void test_series_refused(void **state)
{
    (void)state;
    face_series in, out;
    assert_true(face_series_create(2, 8, &in, &err));
    assert_true(face_series_write(faces, "8", &in, &err));
    face_series_free(&in);
    char *file = face_series_path(faces, "8", &err);
    size_t size;
    char *bytes = file_read(file, 1 << 20, &size, &err);
    for (size_t n = 0; n < size; n += 37) {
        assert_true(file_write(file, bytes, n, &err));
        assert_false(face_series_load(faces, "8", &out, NULL, &err));
        assert_says(file);
        assert_null(out.img);
    }
    free(bytes);

    nbase_archive *a;
    size_t img[4] = {2, 8, 8, 3}, two[1] = {2}, three[1] = {3};
    assert_int_equal(nbase_archive_create(NULL, &a), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "img", NBASE_U8, 4, img, NULL, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "mask", NBASE_BOOL, 1, three, NULL, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "frame", NBASE_F32, 1, two, NULL, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_write_npz(a, file, 1, NULL), NBASE_OK);
    nbase_archive_free(a);
    assert_false(face_series_read(faces, "8", &out, &err));
    assert_says("array 'mask'");
    assert_false(face_series_read(faces, "nobody", &out, &err));
    assert_says("skin-faces");
    free(file);
}

static void test_mirror(void **state)
{
    (void)state;
    face_series s;
    assert_true(face_series_create(2, 3, &s, &err));
    for (size_t i = 0; i < 27; i++) s.img[i] = (uint8_t)i;
    s.quality[QUALITY_YAW] = 12; /* of a poor photo: masked, but the face is there */
    s.photo[0] = s.photo[2] = 100;
    const int32_t box[4] = {10, 20, 30, 40};
    memcpy(s.box, box, sizeof box);
    const float points[10] = {15, 30, 33, 31, 24, 40, 17, 50, 31, 51};
    memcpy(s.landmarks, points, sizeof points);
    face_series_mirror(&s);
    const uint8_t first_row[9] = {6, 7, 8, 3, 4, 5, 0, 1, 2};
    assert_memory_equal(s.img, first_row, sizeof first_row);
    /* 30 left of the right edge, as it was 10 right of the left one */
    assert_int_equal(s.box[0], 60);
    assert_int_equal(s.box[1], 20);
    assert_int_equal(s.box[2], 30);
    /* the left eye is again left of the right one */
    const float mirrored[10] = {67, 31, 85, 30, 76, 40, 69, 51, 83, 50};
    assert_memory_equal(s.landmarks, mirrored, sizeof mirrored);
    assert_true(s.quality[QUALITY_YAW] == -12);
    assert_int_equal(s.box[4], 0); /* a frame without a face stays zeros */
    face_series_mirror(&s);
    assert_memory_equal(s.landmarks, points, sizeof points);
    assert_memory_equal(s.box, box, sizeof box);
    for (size_t i = 0; i < 27; i++) assert_int_equal(s.img[i], i);
    face_series_free(&s);
}

/* Crops from elsewhere need nothing but img. */
static void test_series_of_crops_only(void **state)
{
    (void)state;
    nbase_archive *a;
    nbase_array *img;
    size_t shape[4] = {3, 4, 4, 3};
    char *file = face_series_path(faces, "bare", &err);
    assert_int_equal(nbase_archive_create(NULL, &a), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "img", NBASE_U8, 4, shape, NULL, &img), NBASE_OK);
    ((uint8_t *)img->data)[47] = 1;
    memset((uint8_t *)img->data + 2 * 48, 9, 48);
    assert_int_equal(nbase_archive_write_npz(a, file, 1, NULL), NBASE_OK);
    nbase_archive_free(a);
    free(file);
    face_series s;
    assert_true(face_series_read(faces, "bare", &s, &err));
    assert_memory_equal(s.mask, ((uint8_t[3]){1, 0, 1}), 3);
    assert_int_equal(s.frame[2], 0);
    face_series_mirror(&s);
    assert_int_equal(s.img[47 - 9], 1);
    assert_int_equal(s.box[0], 0);
    face_series_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_round_trip),
        cmocka_unit_test(test_users_as_python_writes_them),
        cmocka_unit_test(test_users_refused),
        cmocka_unit_test(test_file_names_with_dots_are_fine),
        cmocka_unit_test(test_split_round_trip),
        cmocka_unit_test(test_split_refused),
        cmocka_unit_test(test_series_round_trip),
        cmocka_unit_test(test_series_refused),
        cmocka_unit_test(test_mirror),
        cmocka_unit_test(test_series_of_crops_only),
    };
    return cmocka_run_group_tests_name("dataset", tests, make_dir, remove_dir);
}
