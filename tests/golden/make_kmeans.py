"""Writes kmeans.json: run it with TensorFlow 2.15."""

import json
import os
import tempfile

import kmeans_programs
import numpy as np
import tensorflow as tf

made = {}
for name in kmeans_programs.PROGRAMS:
    with tempfile.TemporaryDirectory() as folder:
        made[name] = kmeans_programs.story(tf, name, os.path.join(folder, "model"))
points = np.random.RandomState(0).randn(50, 3).astype(np.float32)
ops = {}
for seed, count, retries in ((1, 3, 0), (7, 5, 2), (12345678901, 50, 1)):
    drawn = tf.raw_ops.KmeansPlusPlusInitialization(points=points, num_to_sample=count, seed=seed, num_retries_per_sample=retries)
    ops[f"{seed} {count} {retries}"] = drawn.numpy().astype(float).tolist()
made["k-means++ op"] = ops
made["chain op"] = [int(tf.raw_ops.KMC2ChainInitialization(distances=np.abs(points[:, 0]), seed=s)) for s in range(8)]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "kmeans.json"), "w") as file:
    file.write(json.dumps(made, indent=1) + "\n")
