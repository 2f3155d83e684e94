#!/usr/bin/env python3
"""Draws the bars of speed.svg from the table "Beside the frameworks" of docs/performance.md.

    speed.py docs/performance.md > docs/pictures/speed.svg

The table is the only source: a figure is changed there, by a new run of bench/peers.sh --markdown.
A bar is as long as the peer's time over ours, so that ours is 1 in every group."""
import html
import re
import sys

GROUPS = [  # the row's name in the table, what it is
    ("infer_b1", "Predict for one person: 30 photos of 80 x 80"),
    ("infer_b8", "Predict for eight people"),
    ("train_b8", "One training step on eight people"),
    ("train_b8_half", "The same with half of the photos masked"),
    ("frames_b2", "One training step of Keras's next-frame example"),
    ("detect_1200x630", "Find the faces in a picture of 1200 x 630"),
]
WIDTH, LEFT, RIGHT, ROW, HEAD, GAP = 800, 170, 160, 18, 24, 12


def read(path):
    """({work: (our ms, [(peer, ms, ratio)])}, the line that states date, commit and machine)"""
    works, stated = {}, None
    text = open(path, encoding="utf-8").read()
    section = text.split("## Beside the frameworks", 1)[1].split("\n## ", 1)[0]
    for line in section.splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) == 8 and cells[2] == "fp32":  # the picture is of this precision
            del cells[2]
        if line.startswith("|") and len(cells) == 7 and re.fullmatch(r"[\d.]+", cells[2]):
            ours, peers = works.setdefault(cells[0], (float(cells[2]), []))
            peers.append((cells[3], float(cells[4]), float(cells[5])))
    stated = re.search(r"(\d{4}-\d\d-\d\d), commit (\w+), ([^;]*?), nothing else running",
                       " ".join(section.split()))
    if not stated or any(work not in works for work, _ in GROUPS):
        sys.exit(f"{path}: the table or the line with date, commit and machine is not there")
    return works, f"{stated[3]}. Commit {stated[2]}, {stated[1]}. Two threads; median of 5 rounds."


def text(x, y, words, anchor="start", size=13, weight="normal", fill="#1d2733"):
    return (f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
            f'text-anchor="{anchor}">{html.escape(words)}</text>')


def bar(y, length, colour, name, figure, weight="normal"):
    return [text(LEFT - 8, y + 13, name, "end", weight=weight),
            f'<rect x="{LEFT}" y="{y + 2:g}" width="{length:.1f}" height="{ROW - 4}" rx="2" '
            f'fill="{colour}"/>',
            text(LEFT + length + 6, y + 13, figure, weight=weight)]


def draw(works, stated):
    longest = max(ratio for work, _ in GROUPS for _, _, ratio in works[work][1])
    unit = (WIDTH - LEFT - RIGHT) / longest
    title = "Time beside the frameworks, ours = 1 (shorter is faster)"
    out, y = [text(16, 28, title, size=16, weight="bold")], 40
    for work, what in GROUPS:
        ours, peers = works[work]
        out.append(text(16, y + 16, what, weight="bold", fill="#0b5c5f"))
        y += HEAD
        out += bar(y, unit, "#0b5c5f", "SkinCredible in C", f"{ours:.1f} ms", "bold")
        for name, ms, ratio in sorted(peers, key=lambda p: p[2]):
            y += ROW
            out += bar(y, ratio * unit, "#9fb3c8", name, f"{ratio:.1f} times ({ms:.1f} ms)")
        y += ROW + GAP
    out.append(text(16, y + 10, stated, size=11, fill="#52606d"))
    height = y + 24
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" font-family="Helvetica, Arial, sans-serif" '
            f'role="img" aria-label="{title}">\n'
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
            + "\n".join(out) + "\n</svg>\n")


if __name__ == "__main__":
    sys.stdout.write(draw(*read(sys.argv[1])))
