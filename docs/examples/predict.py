"""predict.c in Python: predict.py MODEL.safetensors"""
import sys

import numpy as np
import skincredible

model = skincredible.Model.load(sys.argv[1])
info = model.info
shape = (4, info.height, info.width, info.channels)
photos = (np.arange(np.prod(shape)) * 31 % 251 / 250).astype(np.float32).reshape(shape)
for label, p in zip(model.labels, model.predict(photos, mask=[1, 1, 0, 1])):
    print(f"{label} {p:.4f}")
