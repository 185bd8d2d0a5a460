"""JPEG files and their pixels by TensorFlow: `.oracle/tf2.21/bin/python tests/golden/make_jpeg.py tests/golden/jpeg.json`."""

import json
import sys
import zlib

import numpy as np

CASES = [
    {}, {"channels": 3}, {"channels": 1}, {"ratio": 2}, {"ratio": 8, "channels": 3}, {"fancy_upscaling": False},
    {"dct_method": "INTEGER_ACCURATE"}, {"dct_method": "INTEGER_FAST", "ratio": 4},
]  # fmt: skip
DAMAGED = ["whole", "no end", "half", "recovered", "trailing", "flipped", "no jpeg"]


def image():
    """[29, 43, 3] of smooth colours and noise."""
    y, x = np.mgrid[0:29, 0:43]
    waves = np.stack([127 + 100 * np.sin(x / 9.0), 127 + 100 * np.cos(y / 7.0), 127 + 100 * np.sin((x + y) / 11.0)], -1)
    return np.clip(waves + np.random.RandomState(0).randn(29, 43, 3) * 20, 0, 255).astype("u1")


def told(call):
    """Shape and checksum of what a call gives, or the name of its error."""
    try:
        found = np.asarray(call())
    except Exception as e:
        return type(e).__name__
    return [list(found.shape), zlib.crc32(np.ascontiguousarray(found))]


def results(tf):
    """All that is compared."""
    pixels, out = image(), {}
    files = {
        "colour": tf.io.encode_jpeg(pixels).numpy(), "grey": tf.io.encode_jpeg(pixels[..., :1]).numpy(),
        "fine": tf.io.encode_jpeg(pixels, quality=80, chroma_downsampling=False).numpy(), "slow": tf.io.encode_jpeg(pixels, progressive=True).numpy(),
    }  # fmt: skip
    for name, data in files.items():
        out[name] = [len(data), zlib.crc32(data)]
        for case in CASES:
            out[f"{name} {json.dumps(case)}"] = told(lambda data=data, case=case: tf.io.decode_jpeg(data, **case))
        out[f"{name} image"] = told(lambda data=data: tf.io.decode_image(data))
        out[f"{name} shape"] = told(lambda data=data: tf.io.extract_jpeg_shape(data))
    data = files["colour"]
    for kind in DAMAGED:
        bad = {"no end": data[:-2], "half": data[: len(data) // 2], "recovered": data[:-2], "trailing": data + b"garbage", "no jpeg": b"\xff\xd8\xffabc" * 9,
               "flipped": data[:900] + bytes([data[900] ^ 0x55]) + data[901:]}.get(kind, data)  # fmt: skip
        out[kind] = told(lambda bad=bad, kind=kind: tf.io.decode_jpeg(bad, try_recover_truncated=kind == "recovered"))
    return out


if __name__ == "__main__":
    import tensorflow

    with open(sys.argv[1], "w") as file:
        json.dump(results(tensorflow), file, indent=0, sort_keys=True)
