"""Photos with and without a face, for tests/windows/tools.sh, in the current folder."""
import json
import os

import numpy as np
from PIL import Image
import skimage.data

face = Image.fromarray(skimage.data.astronaut()).crop((120, 10, 330, 220))  # NASA, public domain
for folder in ("Fotos/Grüße/März", "Fotos/顔写真"):
    os.makedirs(folder)
face.save("Fotos/Grüße/Bild 10.png")
face.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save("Fotos/Grüße/Bild 9.jpg", quality=90)
face.resize((300, 300)).save("Fotos/Grüße/März/Überblick 写真.JPG", quality=85, progressive=True)
face.rotate(90).save("Fotos/顔写真/一.png")
Image.new("RGB", (90, 70), (90, 120, 40)).save("Fotos/顔写真/無.png")
with open("user_data.txt", "w", encoding="utf-8", newline="\n") as users:
    for row in (["ann", "1", "", "Grüße/Bild 10.png", "Grüße/Bild 9.jpg", "Grüße/nirgends.jpg"],
                ["bo", "0", "", "顔写真/一.png", "Grüße/März/Überblick 写真.JPG"]):
        users.write(json.dumps(row, ensure_ascii=False) + "\n")
for user, photo in (("con", "Grüße/Bild 9.jpg"), ("outside", "..\\Fotos\\Grüße\\Bild 9.jpg")):
    with open(f"user_{user}.txt", "w", encoding="utf-8", newline="\n") as users:
        users.write(json.dumps([user, "1", "", photo], ensure_ascii=False) + "\n")
rng = np.random.default_rng(5)
np.savez("sequences.npz", img=rng.integers(1, 256, (3, 4, 24, 24, 3), np.uint8))
