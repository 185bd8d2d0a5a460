"""Which language is a sentence in? A Keras model over TextVectorization, on messages of programs that are installed here.

    python text_languages.py                 on TensorFlow 2.x
    penstock run examples/text_languages.py  on penstock
"""

import argparse
import gettext
import glob
import os
import random

import numpy as np
import tensorflow as tf

LANGUAGES = ["de", "es", "fr", "it", "nl", "pl", "pt", "sv"]


def messages(language, count):
    """Translated messages of the catalogues below /usr/share/locale."""
    found = set()
    for path in sorted(glob.glob(f"/usr/share/locale/{language}/LC_MESSAGES/*.mo")):
        try:
            with open(path, "rb") as file:
                texts = gettext.GNUTranslations(file)._catalog
        except (OSError, UnicodeDecodeError, ValueError):
            continue
        for source, text in texts.items():
            if isinstance(source, str) and source and text != source and text.isprintable() and 20 < len(text) < 120 and "%" not in text:
                found.add(text.lower())
        if len(found) > 4 * count:
            break
    return random.Random(0).sample(sorted(found), min(count, len(found)))


def load(count):
    """(texts, labels) to learn from and held out, a fifth of all."""
    texts, labels = [], []
    for i, language in enumerate(LANGUAGES):
        own = messages(language, count)
        texts += own
        labels += [i] * len(own)
    if not texts:
        raise SystemExit("There are no message catalogues below /usr/share/locale.")
    order = np.random.RandomState(0).permutation(len(texts))
    texts, labels = np.array(texts)[order], np.array(labels)[order]
    cut = len(texts) // 5
    return (texts[cut:], labels[cut:]), (texts[:cut], labels[:cut])


def main(epochs, count):
    (texts, labels), held_out = load(count)
    tf.keras.utils.set_random_seed(1)
    split = tf.keras.layers.TextVectorization(max_tokens=5000, output_mode="int", output_sequence_length=24)
    split.adapt(texts)
    print(f"{len(texts)} messages, {len(split.get_vocabulary())} words")
    model = tf.keras.Sequential([
        tf.keras.Input((1,), dtype="string"),
        split,
        tf.keras.layers.Embedding(5000, 32, mask_zero=False),
        tf.keras.layers.Conv1D(64, 2, activation="relu"),
        tf.keras.layers.GlobalMaxPooling1D(),
        tf.keras.layers.Dropout(0.3),
        tf.keras.layers.Dense(len(LANGUAGES)),
    ])  # fmt: skip
    model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    data = tf.data.Dataset.from_tensor_slices((texts[:, None], labels)).shuffle(10000, seed=2).batch(64).prefetch(2)
    test = tf.data.Dataset.from_tensor_slices((held_out[0][:, None], held_out[1])).batch(256)
    model.fit(data, validation_data=test, epochs=epochs, verbose=2)
    for text in ("die datei konnte nicht gelesen werden", "le fichier est introuvable", "no se puede abrir el archivo"):
        scores = model.predict(tf.constant([[text]]), verbose=0)
        print(f"  {text}: {LANGUAGES[int(np.argmax(scores))]}")
    print(f"held-out accuracy {100 * model.evaluate(test, verbose=0)[1]:.1f} %")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--messages", type=int, default=1200, help="messages of each language")
    given = parser.parse_args()
    main(given.epochs, given.messages)
