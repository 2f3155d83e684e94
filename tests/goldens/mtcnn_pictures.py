"""The pictures of the goldens: photographs of Debian's python3-skimage, and a hash, changed by recipes that tests/mtcnn_pictures.c knows too."""
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
        page[i // 5 * 75 : i // 5 * 75 + 75, i % 5 * 75 : i % 5 * 75 + 75] = np.kron(face, np.ones((3, 3), np.uint8))
    return np.stack([page] * 3, -1)


def grid():
    half = photo("astronaut.png")[::2, ::2]
    rows = [np.concatenate([half[:, ::-1] if (r + c) % 2 else half for c in range(3)], 1) for r in range(2)]
    return np.concatenate(rows, 0)


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
    "noise": lambda: hashed(150, 200, 5),
    "thin": lambda: hashed(11, 300, 6),
}
