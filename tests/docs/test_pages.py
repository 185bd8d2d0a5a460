"""What the pages of `docs/` show is run, in order, as a reader would."""

import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def blocks(page):
    """The Python blocks of a page as one program, each line where it stands in the page."""
    with open(os.path.join(ROOT, "docs", page), encoding="utf-8") as file:
        text = file.read()
    program, inside = [], False
    for line in text.split("\n"):
        fence = line.startswith("```")
        program.append(line if inside and not fence else "")
        inside = line == "```python" if fence and not inside else inside and not fence
    return "\n".join(program)


PAGES = ["adding_an_op.md", *sorted(os.path.join("guides", p) for p in os.listdir(os.path.join(ROOT, "docs", "guides")))]


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run(page, tmp_path):
    program = tmp_path / f"page_{os.path.basename(page).removesuffix('.md')}.py"
    program.write_text(blocks(page))
    done = subprocess.run(
        [sys.executable, str(program)], cwd=ROOT, capture_output=True, text=True, timeout=200,
        env={**os.environ, "PYTHONPATH": ROOT},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_miniature_learns():
    done = subprocess.run(
        [sys.executable, os.path.join(ROOT, "docs", "from_scratch.py")], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    losses = [float(x) for x in re.findall(r"loss ([\d.]+)", done.stdout)]
    assert losses[0] > 10 and losses[-1] < 1e-4
    assert "1 compilation" in done.stdout


def test_links_point_at_files():
    for folder, _, names in os.walk(os.path.join(ROOT, "docs")):
        for name in names:
            if name.endswith(".md"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    for link in re.findall(r"\]\(([^)#:]+)\)", re.sub(r"```.*?```", "", file.read(), flags=re.S)):
                        assert os.path.exists(os.path.join(folder, link)), f"{name} links to {link}"


def test_the_picture_is_drawn_from_a_real_plan(tmp_path):
    done = subprocess.run(
        [sys.executable, os.path.join(ROOT, "scripts", "draw_plan.py"), str(tmp_path / "plan.svg")],
        capture_output=True, text=True, timeout=200, env={**os.environ, "PYTHONPATH": ROOT},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    picture = (tmp_path / "plan.svg").read_text()
    assert "island 1" in picture and "island 2" in picture and "on the host" in picture
