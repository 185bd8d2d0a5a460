"""`tf.contrib.learn.datasets.base`: arrays out of CSV files, and files fetched once."""

import collections
import csv
import os
import urllib.request
from typing import Any

import numpy as np

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib, contrib_constant

BASE = "learn.datasets.base."
PYTHON = "learn.python.learn.datasets.base."
Dataset = collections.namedtuple("Dataset", ["data", "target"])
Datasets = collections.namedtuple("Datasets", ["train", "validation", "test"])
for _name in ("Dataset", "Datasets"):
    contrib_constant(BASE + _name, PYTHON + _name, module=__name__, attr=_name)


@contrib(BASE + "load_csv_with_header", PYTHON + "load_csv_with_header")
def load_csv_with_header(filename: Any, target_dtype: Any, features_dtype: Any, target_column: int = -1) -> Any:
    """The data and targets of a CSV file whose first row says how many samples and features it has."""
    with tf.gfile.Open(filename) as file:
        rows = csv.reader(file)
        header = next(rows)
        samples, features = int(header[0]), int(header[1])
        data, target = np.zeros((samples, features), dtype=features_dtype), np.zeros((samples,), dtype=target_dtype)
        for i, row in enumerate(rows):
            target[i] = np.asarray(row.pop(target_column), dtype=target_dtype)
            data[i] = np.asarray(row, dtype=features_dtype)
    return Dataset(data=data, target=target)


@contrib(BASE + "load_csv_without_header", PYTHON + "load_csv_without_header")
def load_csv_without_header(filename: Any, target_dtype: Any, features_dtype: Any, target_column: int = -1) -> Any:
    """The data and targets of a CSV file of rows only."""
    with tf.gfile.Open(filename) as file:
        data, target = [], []
        for row in csv.reader(file):
            target.append(row.pop(target_column))
            data.append(np.asarray(row, dtype=features_dtype))
    return Dataset(data=np.array(data), target=np.array(target, dtype=target_dtype))


@contrib(BASE + "maybe_download", PYTHON + "maybe_download")
def maybe_download(filename: str, work_directory: str, source_url: str) -> str:
    """The path of a file in `work_directory`; fetched when it isn't there."""
    tf.gfile.MakeDirs(work_directory)
    path = os.path.join(work_directory, filename)
    if not tf.gfile.Exists(path):
        fetched, _ = urllib.request.urlretrieve(source_url)
        tf.gfile.Copy(fetched, path)
    return path
