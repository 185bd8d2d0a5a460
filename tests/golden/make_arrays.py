"""Write `arrays.json`, what a real TensorFlow makes of `array_programs.py`: run this with its Python."""

import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here))
import array_programs

found = {name: array_programs.run(tf, *case) for name, case in array_programs.programs(tf).items()}
rounded = lambda v: [rounded(e) for e in v] if isinstance(v, list) else float(f"{v:.6g}") if isinstance(v, float) else v
(here / "arrays.json").write_text(json.dumps({k: rounded(v) for k, v in found.items()}, indent=0) + "\n")
