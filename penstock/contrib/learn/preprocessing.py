"""`tf.contrib.learn.preprocessing`: vocabularies of words and bytes; and data sets that lie on disk."""

import collections
import gzip
import pickle
import re
from typing import Any

import numpy as np

import penstock.compat.v1 as tf
from penstock.contrib.learn.datasets import Datasets
from penstock.contrib.names import again, contrib

_TOKENS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|[\'\w\-]+", re.UNICODE)
PREPROCESSING = "learn.preprocessing."
TEXT = "learn.python.learn.preprocessing."


@contrib(PREPROCESSING + "tokenizer", TEXT + "text.tokenizer")
def tokenizer(iterator: Any) -> Any:
    """The words of each text."""
    for value in iterator:
        yield _TOKENS.findall(value)


@contrib(PREPROCESSING + "CategoricalVocabulary", TEXT + "categorical_vocabulary.CategoricalVocabulary")
class CategoricalVocabulary:
    """Categories and their ids; 0 is the unknown one."""

    def __init__(self, unknown_token: str = "<UNK>", support_reverse: bool = True):
        self._unknown_token, self._mapping, self._support_reverse = unknown_token, {unknown_token: 0}, support_reverse
        if support_reverse:
            self._reverse_mapping = [unknown_token]
        self._freq: Any = collections.defaultdict(int)
        self._freeze = False

    def __len__(self) -> int:
        return len(self._mapping)

    def freeze(self, freeze: bool = True) -> None:
        """New categories are unknown from now on."""
        self._freeze = freeze

    def get(self, category: Any) -> int:
        """The id of a category; a new one gets the next id."""
        if category not in self._mapping:
            if self._freeze:
                return 0
            self._mapping[category] = len(self._mapping)
            if self._support_reverse:
                self._reverse_mapping.append(category)
        return self._mapping[category]

    def add(self, category: Any, count: int = 1) -> None:
        """Count a category."""
        category_id = self.get(category)
        if category_id <= 0:
            return
        self._freq[category] += count

    def trim(self, min_frequency: int, max_frequency: int = -1) -> None:
        """Keep the categories that came often enough (and not too often); ids go by frequency."""
        self._freq = sorted(sorted(self._freq.items(), key=lambda x: (isinstance(x[0], str), x[0])), key=lambda x: x[1], reverse=True)
        self._mapping = {self._unknown_token: 0}
        if self._support_reverse:
            self._reverse_mapping = [self._unknown_token]
        idx = 1
        for category, count in self._freq:
            if max_frequency > 0 and count >= max_frequency:
                continue
            if count <= min_frequency:
                break
            self._mapping[category] = idx
            idx += 1
            if self._support_reverse:
                self._reverse_mapping.append(category)
        self._freq = dict(self._freq[: idx - 1])

    def reverse(self, class_id: int) -> Any:
        """The category of an id."""
        if not self._support_reverse:
            raise ValueError("This vocabulary wasn't initialized with support_reverse to support reverse() function.")
        return self._reverse_mapping[class_id]


@contrib(PREPROCESSING + "VocabularyProcessor", TEXT + "text.VocabularyProcessor")
class VocabularyProcessor:
    """Texts as rows of word ids of one length."""

    def __init__(self, max_document_length: int, min_frequency: int = 0, vocabulary: Any = None, tokenizer_fn: Any = None):
        self.max_document_length, self.min_frequency = max_document_length, min_frequency
        self.vocabulary_ = vocabulary if vocabulary else CategoricalVocabulary()
        self._tokenizer = tokenizer_fn or tokenizer

    def fit(self, raw_documents: Any, unused_y: Any = None) -> "VocabularyProcessor":
        """Learn the words of the texts."""
        for tokens in self._tokenizer(raw_documents):
            for token in tokens:
                self.vocabulary_.add(token)
        if self.min_frequency > 0:
            self.vocabulary_.trim(self.min_frequency)
        self.vocabulary_.freeze()
        return self

    def fit_transform(self, raw_documents: Any, unused_y: Any = None) -> Any:
        """Learn the words, and give the ids of the texts."""
        self.fit(raw_documents)
        return self.transform(raw_documents)

    def transform(self, raw_documents: Any) -> Any:
        """A row of ids for each text, one after the other."""
        for tokens in self._tokenizer(raw_documents):
            word_ids = np.zeros(self.max_document_length, np.int64)
            for idx, token in enumerate(tokens):
                if idx >= self.max_document_length:
                    break
                word_ids[idx] = self.vocabulary_.get(token)
            yield word_ids

    def reverse(self, documents: Any) -> Any:
        """The texts of rows of ids."""
        for item in documents:
            yield " ".join(self.vocabulary_.reverse(class_id) for class_id in item)

    def save(self, filename: str) -> None:
        """Write the processor to a file."""
        with tf.gfile.Open(filename, "wb") as f:
            f.write(pickle.dumps({"kind": "VocabularyProcessor", "length": self.max_document_length, "min": self.min_frequency,
                                  "words": [self.vocabulary_.reverse(i) for i in range(len(self.vocabulary_))]}))  # fmt: skip

    @classmethod
    def restore(cls, filename: str) -> "VocabularyProcessor":
        """Read a processor that `save` wrote."""
        with tf.gfile.Open(filename, "rb") as f:
            held = _Plain(f.read()).load()
        vocabulary = CategoricalVocabulary(held["words"][0])
        for word in held["words"][1:]:
            vocabulary.get(word)
        vocabulary.freeze()
        return cls(held["length"], held["min"], vocabulary)


class _Plain(pickle.Unpickler):
    """Reads pickled containers, numbers and text; nothing of it runs code."""

    def __init__(self, data: bytes):
        import io

        super().__init__(io.BytesIO(data))

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"the vocabulary file names {module}.{name}, which is not plain data")


@contrib(PREPROCESSING + "ByteProcessor", TEXT + "text.ByteProcessor")
class ByteProcessor:
    """Texts as rows of bytes of one length."""

    def __init__(self, max_document_length: int):
        self.max_document_length = max_document_length

    def fit(self, x: Any) -> "ByteProcessor":
        return self

    def fit_transform(self, x: Any) -> Any:
        return self.transform(x)

    def reverse(self, x: Any) -> Any:
        for data in x:
            yield bytes(data.tolist() if hasattr(data, "tolist") else data).strip(b"\x00").decode("utf-8", "ignore")

    def transform(self, x: Any) -> Any:
        for document in x:
            data = bytearray(document if isinstance(document, (bytes, bytearray)) else document.encode("utf-8"))
            row = np.zeros(self.max_document_length, np.uint8)
            row[: min(len(data), self.max_document_length)] = list(data[: self.max_document_length])
            yield row


# -- data sets ---------------------------------------------------------------------------------------------------------
DATASETS = "learn.datasets."


def _dataset(*names: str) -> Any:
    return contrib(*(f"learn.{where}{name}" for name in names for where in ("datasets.", "python.learn.datasets.")))


def _read32(stream: Any) -> int:
    return int(np.frombuffer(stream.read(4), dtype=np.dtype(np.uint32).newbyteorder(">"))[0])


@_dataset("mnist.extract_images")
def extract_images(f: Any) -> Any:
    """[count, rows, columns, 1] uint8 images of a gzipped IDX file."""
    with gzip.GzipFile(fileobj=f) as stream:
        magic = _read32(stream)
        if magic != 2051:
            raise ValueError(f"Invalid magic number {magic} in MNIST image file: {getattr(f, 'name', f)}")
        count, rows, columns = (_read32(stream) for _ in range(3))
        return np.frombuffer(stream.read(rows * columns * count), dtype=np.uint8).reshape(count, rows, columns, 1)


@_dataset("mnist.dense_to_one_hot")
def dense_to_one_hot(labels_dense: Any, num_classes: int) -> Any:
    """Class numbers as one-hot rows."""
    made = np.zeros((labels_dense.shape[0], num_classes))
    made[np.arange(labels_dense.shape[0]), labels_dense.ravel()] = 1
    return made


@_dataset("mnist.extract_labels")
def extract_labels(f: Any, one_hot: bool = False, num_classes: int = 10) -> Any:
    """uint8 labels of a gzipped IDX file."""
    with gzip.GzipFile(fileobj=f) as stream:
        magic = _read32(stream)
        if magic != 2049:
            raise ValueError(f"Invalid magic number {magic} in MNIST label file: {getattr(f, 'name', f)}")
        labels = np.frombuffer(stream.read(_read32(stream)), dtype=np.uint8)
        return dense_to_one_hot(labels, num_classes) if one_hot else labels


@_dataset("mnist.DataSet")
class DataSet:
    """Images and labels, given out in shuffled batches."""

    def __init__(self, images: Any, labels: Any, fake_data: bool = False, one_hot: bool = False, dtype: Any = tf.float32, reshape: bool = True, seed: Any = None):
        seed1, seed2 = tf.get_seed(seed)
        np.random.seed(seed1 if seed is None else seed2)
        dtype = tf.as_dtype(dtype).base_dtype
        if dtype not in (tf.uint8, tf.float32):
            raise TypeError(f"Invalid image dtype {dtype!r}, expected uint8 or float32")
        assert images.shape[0] == labels.shape[0], f"images.shape: {images.shape} labels.shape: {labels.shape}"
        self._num_examples = images.shape[0]
        if reshape:
            assert images.shape[3] == 1
            images = images.reshape(images.shape[0], images.shape[1] * images.shape[2])
        if dtype == tf.float32:
            images = np.multiply(images.astype(np.float32), 1.0 / 255.0)
        self._images, self._labels, self._epochs_completed, self._index_in_epoch = images, labels, 0, 0

    images = property(lambda self: self._images)
    labels = property(lambda self: self._labels)
    num_examples = property(lambda self: self._num_examples)
    epochs_completed = property(lambda self: self._epochs_completed)

    def _shuffled(self) -> None:
        order = np.arange(self._num_examples)
        np.random.shuffle(order)
        self._images, self._labels = self._images[order], self._labels[order]

    def next_batch(self, batch_size: int, fake_data: bool = False, shuffle: bool = True) -> tuple[Any, Any]:
        """(images, labels) of the next batch; each epoch is shuffled anew."""
        start = self._index_in_epoch
        if self._epochs_completed == 0 and start == 0 and shuffle:
            self._shuffled()
        if start + batch_size > self._num_examples:
            self._epochs_completed += 1
            rest = self._num_examples - start
            images, labels = self._images[start:], self._labels[start:]
            if shuffle:
                self._shuffled()
            end = self._index_in_epoch = batch_size - rest
            return np.concatenate((images, self._images[:end]), axis=0), np.concatenate((labels, self._labels[:end]), axis=0)
        self._index_in_epoch += batch_size
        return self._images[start : self._index_in_epoch], self._labels[start : self._index_in_epoch]


@_dataset("mnist.read_data_sets")
def read_data_sets(
    train_dir: str, fake_data: bool = False, one_hot: bool = False, dtype: Any = tf.float32, reshape: bool = True, validation_size: int = 5000,
    seed: Any = None, source_url: str = "",
) -> Any:  # fmt: skip
    """MNIST from the four gzipped files that lie in `train_dir`; FileNotFoundError names the one that is missing."""
    import os

    if fake_data:
        ones = DataSet(np.zeros([10000, 28, 28, 1], np.uint8), np.zeros([10000], np.uint8), seed=seed)
        return Datasets(train=ones, validation=ones, test=ones)
    found = []
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        path = os.path.join(train_dir, name)
        if not os.path.exists(path):
            raise FileNotFoundError(f"{path} is missing: put the four MNIST files there, they are not fetched")
        with open(path, "rb") as f:
            found.append(extract_images(f) if "images" in name else extract_labels(f, one_hot=one_hot))
    images, labels, test_images, test_labels = found
    if not 0 <= validation_size <= len(images):
        raise ValueError(f"Validation size should be between 0 and {len(images)}. Received: {validation_size}.")
    options = dict(dtype=dtype, reshape=reshape, seed=seed)
    return Datasets(
        train=DataSet(images[validation_size:], labels[validation_size:], **options),
        validation=DataSet(images[:validation_size], labels[:validation_size], **options), test=DataSet(test_images, test_labels, **options),
    )  # fmt: skip


again("learn", "estimator", "NanLossDuringTrainingError")
