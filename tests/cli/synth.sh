#!/usr/bin/env bash
# skin-synth: the same bytes for the same seed and any number of threads, others for another seed,
# the formats of its files, and what it refuses.
#   synth.sh BIN SCRATCH
set -u
. "$(dirname "$0")/help.bash"
bin=$1
cd "$2" || exit 1

small="--patients 9 --photos 6:7 --size 240:300"
run 0 "$bin/skin-synth" one $small --seed 5 --threads 1
says err "9 patients"
run 0 "$bin/skin-synth" two $small --seed 5 --threads 2 --quiet
[ ! -s err ] || fail "--quiet is not quiet"
run 0 "$bin/skin-synth" three $small --seed 6
diff -r one two >/dev/null || fail "one and two threads differ"
cmp -s one/truth.json three/truth.json && fail "another seed gives the same clinic"
[ "$(cat one/images/*.jpg three/images/*.jpg | wc -c)" -gt 0 ] || fail "no photos"

# ---- formats ----
[ "$(ls -A one | sort | xargs)" = "dr_msg_stats.csv followup_data images truth.json" ] ||
    fail "files: $(ls -A one)"
[ "$(head -1 one/dr_msg_stats.csv)" = "user_id,message_count,last_message_at" ] ||
    fail "header of the table"
[ "$(tail -n +2 one/dr_msg_stats.csv | cut -d, -f1 | sort -u | wc -l)" = 9 ] ||
    fail "nine users in the table"
for user in $(tail -n +2 one/dr_msg_stats.csv | cut -d, -f1); do
    file=$(printf 'one/followup_data/user_%012d.json' "$user")
    jq -e --argjson user "$user" 'type == "array" and length > 1 and all(.[]; .userId == $user
        and (.created_at | test("^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"))
        and if .entry_type == "DrMessage" then
                (.dr_note | type) == "string" and (.dr_note | length) > 0 and .image_path == null
            elif .entry_type == "Annotation" then
                (.image_path | test("^[0-9]{12}_[0-9]{2}[.]jpg$")) and .dr_note == null
            else false end)
        and ([.[] | .entry_type] | unique) == ["Annotation", "DrMessage"]' "$file" >/dev/null ||
        fail "$file"
done
cat one/followup_data/*.json | jq -r '.[] | .image_path // empty' | sort >named
ls one/images >there
cmp -s named there || fail "photos in the records and in the folder differ"
for photo in one/images/*.jpg; do
    [ "$(head -c 3 "$photo" | od -An -tx1 | xargs)" = "ff d8 ff" ] || fail "$photo is no JPEG"
done
jq -e '.format == "skin-synth 1" and .seed == 5 and (.patients | length) == 9
    and all(.patients[]; .label == 0 or .label == 1)
    and all(.patients[] | select(.kept); (.photos | length) >= 6 and (.photos | length) <= 7
        and .decisive_note.dr_note != null)
    and all(.patients[] | select(.planted == "few_photos"); (.photos | length) <= 5
        and (.kept | not))
    and all(.patients[] | select(.planted == "other_language"); .language != "en" and (.kept | not)
        and (has("decisive_note") | not))
    and ([.patients[].planted] | unique | length) >= 4
    and all(.patients[] | select(.kept); if .label == 1 then .course.first - .course.last >= 0.35
        else .course.last - .course.first >= 0.35 end)
    and all(.patients[].photos[]; .severity >= 0 and .severity <= 1 and .orientation >= 1
        and .orientation <= 8 and .width <= 300 and .height <= 300)
    and all(.patients[].photos[] | select(.face); .box[2] > 40 and .box[3] > 60 and .box[0] >= 0
        and .box[1] >= 0 and .box[0] + .box[2] <= .width and .box[1] + .box[3] <= .height)
    and all(.patients[].photos[] | select(.face | not); has("box") | not)' one/truth.json \
    >/dev/null || fail "truth.json"
jq -e '[.patients[] | select(.kept) | .label] | add / length | . > 0.6 and . < 0.8' one/truth.json \
    >/dev/null || fail "not 70 % improved"

# The tag in a file is the one in the truth (offset of its value in the minimal EXIF block), and
# without --no-exif some photos have one.
for name in $(jq -r '.patients[].photos[] | select(.exif) | .image_path' one/truth.json); do
    tag=$(od -An -tu1 -j31 -N1 "one/images/$name" | xargs)
    [ "$tag" = \
        "$(jq --arg name "$name" '.patients[].photos[] | select(.image_path == $name)
            | .orientation' one/truth.json)" ] || fail "orientation of $name: $tag"
done
[ "$(jq '[.patients[].photos[] | select(.orientation > 1)] | length > 0' one/truth.json)" = true ] \
    || fail "no photo is turned"
run 0 "$bin/skin-synth" upright --patients 2 --photos 6:6 --size 240 --no-exif --no-face 0.5 \
    --effect 0
jq -e 'all(.patients[].photos[]; (.exif | not) and .orientation == 1)
    and all(.patients[]; .course.first == .course.last)
    and ([.patients[].photos[].face] | unique) == [false, true]' upright/truth.json >/dev/null ||
    fail "--no-exif, --no-face or --effect"

# ---- the same bytes for any number of threads ----
run 0 "$bin/skin-synth" alone --patients 4 --size 240 --photos 6:6 --seed 6 --threads 1
run 0 "$bin/skin-synth" together --patients 4 --size 240 --photos 6:6 --seed 6 --threads 4
diff -r alone together >/dev/null || fail "four threads give another clinic than one"

# ---- what it refuses ----
run 1 "$bin/skin-synth" one $small
one_line
says err "one: not empty"
run 0 "$bin/skin-synth" one $small --seed 6 --force
diff -r one three >/dev/null || fail "--force leaves something of the old clinic, or another one"
: >file
run 1 "$bin/skin-synth" file $small --force
run 1 "$bin/skin-synth" file/inside $small
says err "file"
run 2 "$bin/skin-synth"
run 2 "$bin/skin-synth" new --photos 3:9
says err "--photos '3:9': expected MIN:MAX within 6:29"
run 2 "$bin/skin-synth" new --size 600:400
run 2 "$bin/skin-synth" new --patients 0
[ ! -e new ] || fail "a refused command line has made a folder"
run 0 "$bin/skin-synth" --help
says out "--patients"

# ---- interrupted: nothing is left; killed: the next run cleans up ----
"$bin/skin-synth" stopped --patients 40 --threads 1 >/dev/null 2>err &
pid=$!
for _ in $(seq 200); do
    [ -n "$(ls stopped/.skin-synth.partial/images 2>/dev/null)" ] && break
    sleep 0.05
done
kill -INT $pid
wait $pid
[ $? = 1 ] || fail "an interrupted run does not end with 1"
[ -z "$(ls -A stopped)" ] || fail "an interrupted run leaves $(ls -A stopped)"
says err "interrupted"
"$bin/skin-synth" stopped --patients 40 --threads 1 >/dev/null 2>&1 &
pid=$!
for _ in $(seq 200); do
    [ -n "$(ls stopped/.skin-synth.partial/images 2>/dev/null)" ] && break
    sleep 0.05
done
kill -KILL $pid
wait $pid 2>/dev/null
[ ! -e stopped/truth.json ] || fail "a killed run leaves a truth"
run 0 "$bin/skin-synth" stopped $small --seed 6
diff -r stopped three >/dev/null || fail "after a killed run the clinic is another"
echo ok
