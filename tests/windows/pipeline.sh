# From a list of users to a trained network and its report, for Windows beside natively: a part of
# tools.sh, whose functions and folders it uses. Klinik is a simulated clinic with the list.
#
# What is written must be the same to the byte, but for what times and names the run: the log's
# seconds, the machine in the settings, and the report's pages.
pipeline() {
    local weights=(--weights mtcnn.safetensors) seen="Gesichter 見" list="Klinik/Nutzer ü.txt"
    local from=(--data Daten --faces "$seen")
    local net=("${from[@]}" --preset skincredible-gap --image-size 24 --seed 1 --threads 2)
    rm -rf native windows
    mkdir native windows
    for w in native windows; do
        cp -r Klinik mtcnn.safetensors $w/
    done
    both 0 skin-faces "$list" --images Klinik/images -o "$seen" "${weights[@]}" \
        --size 24
    both 0 skin-split "$list" --faces "$seen" -o Daten --test 0.3 --validation 0.2 \
        --seed 1
    both 0 skin-augment "${from[@]}"
    diff <(files native) <(files windows) || fail "files before training"

    for w in native windows; do
        on $w 0 skin-train "${net[@]}" --epochs 2 -o Lauf_走
        on $w 0 skin-evaluate Lauf_走/model.safetensors "${from[@]}" --partition test \
            --log Lauf_走/log.csv -o Bericht
    done
    cmp native/Lauf_走/model.safetensors windows/Lauf_走/model.safetensors ||
        fail "the trained model"
    for w in native windows; do
        cut -d, -f1-4 $w/Lauf_走/log.csv >$w.log
    done
    cmp native.log windows.log || fail "the log: $(diff native.log windows.log)"
    diff <(cd native/Bericht && ls) <(cd windows/Bericht && ls) || fail "the report's files"
    cmp native/Bericht/predictions.csv windows/Bericht/predictions.csv ||
        fail "the report's predictions"

    # ---- a run that was interrupted goes on to the same end ----
    (cd windows && exec "$WINE" "$windows/skin-train.exe" "${net[@]}" --epochs 40 -o Rest) \
        >first.out 2>first.err &
    first=$!
    for _ in $(seq 1 600); do
        [ -f windows/Rest/log.csv ] && [ "$(wc -l <windows/Rest/log.csv)" -gt 2 ] && break
        sleep 0.1
    done
    kill -INT $first
    wait $first
    [ $? = 1 ] || fail "Ctrl-C in training: $(cat first.err)"
    [ "$(wc -l <windows/Rest/log.csv)" -lt 41 ] || fail "Ctrl-C came too late to show anything"
    on windows 0 skin-train "${net[@]}" --epochs 40 -o Rest --restore
    on native 0 skin-train "${net[@]}" --epochs 40 -o Rest
    cmp native/Rest/model.safetensors windows/Rest/model.safetensors ||
        fail "the model of a resumed run"

    both 1 skin-train --data nirgends --faces "$seen" -o nichts
}
