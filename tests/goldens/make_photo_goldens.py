"""make_photo_goldens.py: remakes tests/goldens/photos/, small pictures in the formats of phones and
browsers, with PNGs of what they show. Needs Pillow 12 and pillow-heif; `make check` only reads the
files.

truth.png        the picture upright; the others show it within the error of their compression
half*.*, dim.*   colours stored at half the size; grey in the range of television; NAME.truth.png is
                 what Pillow sees
turnN.*          stored lying, as orientation N of EXIF says; HEIC and AVIF turn by their own boxes
NAME.truth.png   what the numbers of NAME mean by its ICC profile, in sRGB"""
import io
import os
import struct

import pillow_heif
from PIL import Image, ImageCms

pillow_heif.register_heif_opener()
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "photos")
T = Image.Transpose
# How the upright picture is stored so that this orientation turns it back.
STORED = {1: None, 2: T.FLIP_LEFT_RIGHT, 3: T.ROTATE_180, 4: T.FLIP_TOP_BOTTOM, 5: T.TRANSPOSE,
          6: T.ROTATE_90, 7: T.TRANSVERSE, 8: T.ROTATE_270}


def upright():
    """Smooth, in strong colours, and nowhere symmetric."""
    picture = Image.new("RGB", (64, 96))
    picture.putdata([(40 + 3 * x, 30 + 2 * y, 200 - x - y) for y in range(96) for x in range(64)])
    return picture


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x0132] = "2024:05:31 10:30:00"
    return tags.tobytes()


def save(name, picture, kind, **options):
    picture.save(os.path.join(OUT, name), kind, **options)


def stored(picture, orientation):
    turn = STORED[orientation]
    return picture if turn is None else picture.transpose(turn)


def turned(picture):
    for n in range(1, 9):
        save(f"turn{n}.webp", stored(picture, n), "WEBP", quality=90, exif=exif(n))
        save(f"turn{n}.avif", stored(picture, n), "AVIF", quality=90, subsampling="4:4:4",
             exif=exif(n))
        save(f"turn{n}.heic", stored(picture, n), "HEIF", quality=90, exif=exif(n))


def kinds(picture):
    clear = picture.copy()
    clear.putalpha(255)
    save("lossless.webp", clear, "WEBP", lossless=True)
    other = Image.new("RGB", picture.size, (0, 0, 0))
    save("animated.webp", picture, "WEBP", save_all=True, append_images=[other], quality=90,
         duration=100)
    save("progressive.jpg", picture, "JPEG", quality=95, progressive=True)
    save("restarts.jpg", picture, "JPEG", quality=95, restart_marker_rows=1)


def planes():
    """Odd sizes, and edges between colours, which are seen where the halved planes are enlarged."""
    picture = Image.new("RGB", (45, 37))
    picture.putdata([((40, 200)[x // 7 % 2], 5 * x, (220, 60)[y // 5 % 2]) for y in range(37)
                     for x in range(45)])
    grey = picture.convert("L")
    for name, kind, seen, options in (
            ("half.avif", "AVIF", picture, {"subsampling": "4:2:0"}),
            ("half_wide.avif", "AVIF", picture, {"subsampling": "4:2:2"}),
            ("half_dim.avif", "AVIF", picture, {"subsampling": "4:2:0", "range": "limited"}),
            ("dim.avif", "AVIF", grey, {"subsampling": "4:0:0", "range": "limited"}),
            ("half.heic", "HEIF", picture, {"chroma": 420}),
            ("dim.heic", "HEIF", grey, {"full_range_flag": 0})):
        save(name, seen, kind, quality=90, **options)
        save(f"{name}.truth.png", Image.open(os.path.join(OUT, name)).convert("RGB"), "PNG")


def s15(*values):
    return b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def profile(space, tags):
    """An ICC profile of version 4 (ICC.1:2010)."""
    name = b"mluc" + struct.pack(">3I4s2I", 0, 1, 12, b"enUS", 2, 28) + b"\0x"
    tags = {b"desc": name, b"wtpt": b"XYZ " + bytes(4) + s15(.9642, 1, .8249), **tags}
    place, data, table = 132 + 12 * len(tags), b"", struct.pack(">I", len(tags))
    for name, value in tags.items():
        table += name + struct.pack(">II", place + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = (struct.pack(">I", place + len(data)) + bytes(4) + b"\x04\0\0\0prtr" + space + b"XYZ "
            + struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
            + s15(.9642, 1, .8249) + bytes(48))
    return head + table + data


def matrix_profile(red, green, blue):
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + s15(2.4, 1 / 1.055, .055 / 1.055,
                                                                1 / 12.92, .04045)
    tags = {name: b"XYZ " + bytes(4) + s15(*xyz)
            for name, xyz in ((b"rXYZ", red), (b"gXYZ", green), (b"bXYZ", blue))}
    return profile(b"RGB ", tags | {name: curve for name in (b"rTRC", b"gTRC", b"bTRC")})


# Primaries adapted to D50 by Bradford's matrix.
DISPLAY_P3 = matrix_profile((.51512, .24120, -.00105), (.29198, .69225, .04189),
                            (.15710, .06657, .78407))
SRGB = matrix_profile((.43607, .22249, .01392), (.38515, .71687, .09708), (.14307, .06061, .71410))


def grey_profile(gamma):
    return profile(b"GRAY", {b"kTRC": b"curv" + bytes(4) + struct.pack(">IH", 1,
                                                                       round(gamma * 256))})


def ink_profile():
    """CMYK by a table of two steps for each ink: light that the inks take away, as XYZ of D50."""
    def light(c, m, y, k):
        rgb = [(1 - .9 * ink) * (1 - .95 * k) for ink in (c, m, y)]
        rows = ((.43607, .38515, .14307), (.22249, .71687, .06061), (.01392, .09708, .71410))
        return [sum(a * b for a, b in zip(row, rgb)) for row in rows]
    identity = s15(1, 0, 0, 0, 1, 0, 0, 0, 1)
    ramp = struct.pack(">2H", 0, 65535)
    corners = [(i >> 3 & 1, i >> 2 & 1, i >> 1 & 1, i & 1) for i in range(16)]
    table = b"".join(struct.pack(">3H", *(round(v * 32768) for v in light(*c))) for c in corners)
    lut = (b"mft2" + bytes(4) + bytes([4, 3, 2, 0]) + identity + struct.pack(">2H", 2, 2)
           + ramp * 4 + table + ramp * 3)
    return profile(b"CMYK", {b"A2B0": lut, b"A2B1": lut})


def converted(picture, data, space):
    """What the numbers mean, as sRGB."""
    to = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(picture, ImageCms.ImageCmsProfile(io.BytesIO(data)), to,
                                     renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                                     outputMode="RGB")


def colours(picture):
    def both(name, kind, picture, data, **options):
        buffer = io.BytesIO()
        picture.save(buffer, kind, icc_profile=data, **options)
        with open(os.path.join(OUT, name), "wb") as stream:
            stream.write(buffer.getvalue())
        seen = converted(Image.open(buffer), data, picture.mode)
        save(f"{name}.truth.png", seen, "PNG")

    both("p3.jpg", "JPEG", picture, DISPLAY_P3, quality=95, subsampling=0)
    both("p3.png", "PNG", picture, DISPLAY_P3)
    both("p3.webp", "WEBP", picture, DISPLAY_P3, lossless=True)
    both("p3.avif", "AVIF", picture, DISPLAY_P3, quality=95, subsampling="4:4:4")
    both("p3.heic", "HEIF", picture, DISPLAY_P3, quality=95)
    both("grey.jpg", "JPEG", picture.convert("L"), grey_profile(1.8), quality=95)
    save("srgb.png", picture, "PNG", icc_profile=SRGB)
    inks = Image.merge("CMYK", [*(channel.point(lambda v: 255 - v) for channel in picture.split()),
                                Image.new("L", picture.size, 20)])
    both("inks.jpg", "JPEG", inks, ink_profile(), quality=95)


def main():
    os.makedirs(OUT, exist_ok=True)
    picture = upright()
    save("truth.png", picture, "PNG")
    turned(picture)
    kinds(picture)
    colours(picture)
    planes()


if __name__ == "__main__":
    main()
