"""Compares the table of skin-info --tones with a simulated clinic's truth.   tones.py TRUTH.json
TONES.csv SHARE
The true angle is that of the bare skin's colour, which follows from tone and undertone
(tools/synth/skin.c)."""
import collections, csv, json, math, sys

SKINS = [(240, 205, 186), (228, 184, 158), (206, 157, 127), (172, 122, 92), (128, 86, 64),
         (84, 57, 45)]
BLOOD, PIGMENT = (0.08, 0.95, 0.72), (0.55, 0.85, 1.1)
NAMES, LIMITS = ["very light", "light", "intermediate", "tan", "brown",
                 "dark"], [55, 41, 28, 10, -30]


def light(v):
    v /= 255
    return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4


def skin(tone, undertone):
    at = min(max(tone, 0), 1) * 5
    k = min(int(at), 4)
    mixed = [light(a) + (light(b) - light(a)) * (at - k) for a, b in zip(SKINS[k], SKINS[k + 1])]
    return [
        c * math.exp(-(-0.12 * undertone * b + 0.05 * undertone * p))
        for c, b, p in zip(mixed, BLOOD, PIGMENT)
    ]


def angle(c):
    f = lambda t: t ** (1 / 3) if t > 0.008856 else (903.3 * t + 16) / 116
    y = f(0.2126729 * c[0] + 0.7151522 * c[1] + 0.0721750 * c[2])
    z = f((0.0193339 * c[0] + 0.1191920 * c[1] + 0.9503041 * c[2]) / 1.08883)
    return math.degrees(math.atan2(116 * y - 66, 200 * (y - z)))


def main():
    truth, table, share = json.load(open(sys.argv[1])), sys.argv[2], float(sys.argv[3])
    of = {p["user_id"]: p["identity"] for p in truth["patients"]}
    rows = list(csv.DictReader(open(table)))
    away, missing = collections.Counter(), 0
    for r in rows:
        if not r["group"]:
            missing += 1
            continue
        a = angle(skin(of[int(r["id"])]["tone"], of[int(r["id"])]["undertone"]))
        away[abs(sum(a <= limit for limit in LIMITS) - NAMES.index(r["group"]))] += 1
    near = away[0] + away[1]
    print(
        f"{len(rows)} people of seed {truth['seed']}: the same class {away[0]}, one beside it "
        f"{away[1]}, further away {len(rows) - missing - near}, not measured {missing}"
    )
    print(f"within one class: {100 * near / len(rows):.1f} %")
    sys.exit(near < share * len(rows))


main()
