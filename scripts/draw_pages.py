"""The pictures of docs/guides/tensorboard.md: `make demo`, then `.venv/bin/python scripts/draw_pages.py`.

Starts TensorBoard over the demo's logs, lets a headless Chromium draw its pages and keeps them as small PNG files.
"""

import argparse
import io
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

PAGES = {"scalars": "scalars", "graph": "graphs", "histograms": "histograms", "images": "images"}


def started(logs: str, port: int) -> subprocess.Popen:
    """TensorBoard, once it answers."""
    board = subprocess.Popen([sys.executable, "-m", "tensorboard.main", "--logdir", logs, "--port", str(port)], stderr=subprocess.DEVNULL)
    for _ in range(120):
        try:
            urllib.request.urlopen(f"http://localhost:{port}/data/runs", timeout=5).close()
            return board
        except OSError:
            time.sleep(0.5)
    board.kill()
    sys.exit("TensorBoard does not answer")


def drawn(browser: str, url: str) -> bytes:
    """A page as a PNG of 16 to 64 colours."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder, "page.png")
        command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1200,700"]
        command += ["--virtual-time-budget=15000", f"--screenshot={shot}", f"--user-data-dir={folder}/profile", url]
        subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        page = Image.open(shot).convert("RGB").resize((900, 525), Image.Resampling.LANCZOS).quantize(64)
    out = io.BytesIO()
    page.save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", default="build/demo/logs")
    parser.add_argument("--out", default="docs/pictures")
    given = parser.parse_args()
    browser = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if browser is None:
        sys.exit("no Chromium here")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    board = started(given.logs, port)
    try:
        for name, page in PAGES.items():
            path = Path(given.out, f"{name}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(drawn(browser, f"http://localhost:{port}/#{page}"))
            print(path, path.stat().st_size // 1024, "KiB")
    finally:
        board.terminate()
        board.wait(20)


if __name__ == "__main__":
    main()
