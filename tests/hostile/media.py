"""Mutated images and sounds, decompression bombs among them: `python -m tests.hostile.media [--files N]` decodes N of them.

Each is decoded in a child process with bounded memory; what may come of it is a result or one of TensorFlow's errors.
"""

import argparse
import io
import os
import pickle
import random
import signal
import struct
import sys
import tempfile
import zlib

import numpy as np

from tests.hostile import calls

DECODERS = ("decode_image", "decode_png", "decode_jpeg", "decode_gif", "decode_bmp", "decode_webp")


def _picture(kind):
    """The bytes of a small picture."""
    from PIL import Image

    pixels = (np.arange(16 * 12 * 3).reshape(12, 16, 3) * 7 % 256).astype(np.uint8)
    image, out = Image.fromarray(pixels), io.BytesIO()
    if kind == "gif":
        image.save(out, "GIF", save_all=True, append_images=[Image.fromarray(pixels[::-1])])
    else:
        image.save(out, kind)
    return out.getvalue()


def _sound():
    """The bytes of a short WAV file."""
    samples = struct.pack("<64h", *[(k * 997) % 30000 - 15000 for k in range(64)])
    return b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, 8000, 32000, 4, 16) + b"data" + struct.pack("<I", len(samples)) + samples


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bombs():
    """Files of a few bytes that claim, or unfold to, gigabytes."""
    found = {}
    for side in (1 << 15, 1 << 20, (1 << 31) - 1):
        head = _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        found[f"png {side}"] = b"\x89PNG\r\n\x1a\n" + head + _chunk(b"IDAT", zlib.compress(b"\0" * (1 << 22), 9)) + _chunk(b"IEND", b"")
        found[f"bmp {side}"] = b"BM" + struct.pack("<IHHI", 1 << 20, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0) + b"\0" * 64
    found["gif 65535"] = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + b"\0" * 6 + b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x44\x01\0;"
    jpeg = bytearray(_picture("jpeg"))
    at = jpeg.find(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65500, 65500)
    found["jpeg 65500"] = bytes(jpeg)
    webp = bytearray(_picture("webp"))
    at = webp.find(b"\x9d\x01\x2a")
    if at > 0:
        webp[at + 3 : at + 7] = struct.pack("<HH", 0x3FFF, 0x3FFF)
    found["webp 16383"] = bytes(webp)
    sound = bytearray(_sound())
    sound[40:44] = struct.pack("<I", 0xFFFFFFF0)
    found["wav 4 GiB"] = bytes(sound)
    return found


def mutated(data, r):
    """The bytes with some of them changed, cut out, repeated, or put in."""
    data = bytearray(data)
    for _ in range(r.choice([1, 1, 2, 4, 16])):
        at = r.randrange(len(data)) if data else 0
        how = r.randrange(6)
        if how == 0 and data:
            data[at] = r.randrange(256)
        elif how == 1 and data:
            data[at] ^= 1 << r.randrange(8)
        elif how == 2:
            del data[at : at + r.randrange(1, 40)]
        elif how == 3:
            data[at:at] = data[at : at + r.randrange(1, 40)]
        elif how == 4:
            data[at : at + 4] = struct.pack(r.choice("<>") + "I", r.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 24]))
        else:
            del data[at:]
    return bytes(data)


def file(k, kinds):
    """File number k: (kind, bytes)."""
    r = random.Random(k)
    kind = r.choice(sorted(kinds))
    return kind, mutated(kinds[kind], r)


def decode(tf, kind, data, k):
    """What is wrong with decoding these bytes; None when nothing is."""
    wanted = tf.audio.decode_wav if kind.startswith("wav") else getattr(tf.io, DECODERS[k % len(DECODERS)] if k % 2 else "decode_image")
    signal.alarm(calls.SECONDS)
    try:
        wanted(data)
    except calls.Slow:
        return f"{kind}: slow"
    except BaseException as e:  # noqa: BLE001 - whatever it raises
        if not any(c.__name__ in calls.OF_TENSORFLOW for c in type(e).__mro__):
            return f"{kind}: {type(e).__name__}: {str(e)[:200]}"
    finally:
        signal.alarm(0)
    return None


def run(numbers):
    """{number or name of a bomb: what went wrong}; a crash of the child is one, too."""
    import penstock as tf

    kinds = {k: _picture(k) for k in ("png", "jpeg", "gif", "bmp", "webp")} | {"wav": _sound()}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "found")
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            signal.signal(signal.SIGALRM, calls._late)
            tf.io.decode_png(kinds["png"])
            calls.limited(3 << 30)
            found, at = {}, "start"
            try:
                for name, data in bombs().items():
                    at = name
                    what = decode(tf, name, data, 0)
                    if what is not None:
                        found[name] = what
                for k in numbers:
                    at = str(k)
                    kind, data = file(k, kinds)
                    what = decode(tf, kind, data, k)
                    if what is not None:
                        found[k] = what
            finally:
                with open(path, "wb") as out:
                    pickle.dump((found, at), out)
                os._exit(0)
        _, status = os.waitpid(pid, 0)
        if not os.path.exists(path):
            return {"child": f"crash (status {status})"}
        with open(path, "rb") as given:
            return pickle.load(given)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    given = parser.parse_args()
    found = run(range(given.files))
    for name, what in found.items():
        print(name, what)
    print(f"{given.files} mutated files and {len(bombs())} bombs: {len(found)} with something wrong")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
