"""The pictures of the goldens: photographs of Debian's python3-skimage, four faces that skin-synth
rendered (mtcnn_people.npz), and a hash, changed by
recipes that tests/help/mtcnn_pictures.c knows too. All arithmetic is in whole numbers, so that both
make the same bytes."""
import os

import numpy as np
from PIL import Image

SKIMAGE = "/usr/lib/python3/dist-packages/skimage/data/"


def hashed(height, width, seed, channels=3):
    """Noise that C can make too: byte i of a hash of i."""
    i = np.arange(height * width * channels, dtype=np.uint64)
    h = (i * 0x9E3779B1 + seed * 0x85EBCA77) & 0xFFFFFFFF
    h ^= h >> 15
    h = (h * 0x2C1B3C6D) & 0xFFFFFFFF
    h ^= h >> 12
    return (h >> 24).astype(np.uint8).reshape(height, width, channels)


def photo(name):
    return np.array(Image.open(SKIMAGE + name).convert("RGB"))


def lfw():
    faces = np.load(SKIMAGE + "lfw_subset.npy")
    page = np.zeros((300, 375), np.uint8)
    for i in range(20):
        face = np.floor(faces[i] * 255 + 0.5).astype(np.uint8)
        page[i // 5 * 75:i // 5 * 75 + 75,
             i % 5 * 75:i % 5 * 75 + 75] = np.kron(face, np.ones((3, 3), np.uint8))
    return np.stack([page] * 3, -1)


def grid():
    half = photo("astronaut.png")[::2, ::2]
    rows = [
        np.concatenate([half[:, ::-1] if (r + c) % 2 else half
                        for c in range(3)], 1)
        for r in range(2)
    ]
    return np.concatenate(rows, 0)


def people():
    """Ten faces, light and dark skin, every second row mirrored."""
    tiles = np.load(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                 "mtcnn_people.npz"))["people"]
    rows = [np.concatenate([tiles[(5 * r + c) % 4] for c in range(5)], 1) for r in range(2)]
    return np.concatenate([rows[0], rows[1][:, ::-1]], 0)


def turned(image, cosine, sine):
    """Turned about its middle by an angle whose cosine and sine are given as 65536ths, the nearest
    pixel, black outside."""
    height, width, _ = image.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    dx, dy = 2 * x + 1 - width, 2 * y + 1 - height
    sx, sy = (cosine * dx + sine * dy + width * 65536) >> 17, (cosine * dy - sine * dx +
                                                               height * 65536) >> 17
    inside = (sx >= 0) & (sy >= 0) & (sx < width) & (sy < height)
    out = np.zeros_like(image)
    out[inside] = image[sy[inside], sx[inside]]
    return out


def grown(image, times):
    """Each side so many times as long, a power of two up to 8, bilinear."""

    def along_x(a):
        # in 2*times-ths of a pixel from the middle of the first one
        at = 2 * np.arange(a.shape[1] * times) + 1 - times
        left, part = at // (2 * times), (at % (2 * times))[None, :, None]
        last = a.shape[1] - 1
        return a[:, np.clip(left, 0, last)] * (2 * times -
                                               part) + a[:, np.clip(left + 1, 0, last)] * part

    sums = along_x(along_x(image.astype(np.int64)).transpose(1, 0, 2)).transpose(1, 0, 2)
    return ((sums + 2 * times * times) // (4 * times * times)).astype(np.uint8)


def twelve():
    """12 megapixels with large, middling and small faces."""
    y, x, c = np.mgrid[0:3000, 0:4000, 0:3]
    page = ((3 * x + 2 * y + 2000 * c >> 6) & 255).astype(np.uint8)
    parts = [(1900, 100, grown(photo("astronaut.png"), 4)), (100, 100, photo("coffee.png")),
             (100, 700, people()), (100, 1200, grown(people(), 2)), (100, 2000, lfw()),
             (1000, 2300, photo("chelsea.png"))]
    for left, top, part in parts:
        page[top : top + part.shape[0], left : left + part.shape[1]] = part
    return page


PICTURES = {
    "astronaut": lambda: photo("astronaut.png"),
    "mirror": lambda: photo("astronaut.png")[:, ::-1],
    "upside_down": lambda: photo("astronaut.png")[::-1],
    "dark": lambda: (photo("astronaut.png").astype(np.uint16) * 2 // 5).astype(np.uint8),
    "half": lambda: photo("astronaut.png")[::2, ::2],
    "eighth": lambda: photo("astronaut.png")[::8, ::8],
    "double": lambda: photo("astronaut.png").repeat(2, 0).repeat(2, 1),
    "cut": lambda: photo("astronaut.png")[80:, 190:],
    "tall": lambda: photo("astronaut.png")[:, 180:281],
    "grid": grid,
    "lfw": lfw,
    "camera": lambda: photo("camera.png"),
    "chelsea": lambda: photo("chelsea.png"),
    "coffee": lambda: photo("coffee.png"),
    "rocket": lambda: photo("rocket.jpg"),
    "tiny": lambda: photo("astronaut.png")[::4, ::4],
    "people": people,
    "tilted": lambda: turned(photo("astronaut.png"), 61584, 22415),  # 20 degrees
    "people_tilted": lambda: turned(people(), 56756, -32768),  # -30 degrees
    "twelve": twelve,
    "noise": lambda: hashed(150, 200, 5),
    "thin": lambda: hashed(11, 300, 6),
}
