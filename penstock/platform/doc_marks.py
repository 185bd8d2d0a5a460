"""`tensorflow.tools.docs.doc_controls`: decorators that say what of a class a documentation generator shows.

Each leaves a hidden attribute on what it decorates, which such a generator reads; nothing else changes.
"""


def _mark(name, doc, mark=None):
    attribute = f"_tf_docs_{mark or name}"

    def decorate(obj):
        setattr(obj, attribute, None)
        return obj

    decorate.__name__ = decorate.__qualname__ = name
    decorate.__doc__ = doc
    return decorate


do_not_generate_docs = _mark("do_not_generate_docs", "Show no documentation of this object.", "do_not_document")
do_not_doc_inheritable = _mark("do_not_doc_inheritable", "Show no documentation of this method, here and in all subclasses.")
for_subclass_implementers = _mark(
    "for_subclass_implementers", "Show this method, which subclasses write, where it is defined.", "tools_for_subclass_implementers"
)
do_not_doc_in_subclasses = for_subclass_implementers
doc_in_current_and_subclasses = _mark("doc_in_current_and_subclasses", "Show this method here and in subclasses again.")
doc_private = _mark("doc_private", "Show this private object.")


def set_deprecated(obj):
    """Say that an object is deprecated."""
    obj._tf_docs_deprecated = None
    return obj


def _header(name, doc):
    attribute = f"_tf_docs_{name}"

    def headed(text):
        def decorate(cls):
            setattr(cls, attribute, text)
            return cls

        return decorate

    headed.__name__ = headed.__qualname__ = name
    headed.__doc__ = doc
    return headed


header = _header("header", "A decorator: the page of the object begins with `text`.")
inheritable_header = _header("inheritable_header", "A class decorator: pages of the class and its subclasses begin with `text`.")


def get_header(obj):
    """The text that the page of an object begins with, or None."""
    return getattr(obj, "_tf_docs_header", None)


def get_inheritable_header(obj):
    """The text that pages of a class and its subclasses begin with, or None."""
    return getattr(obj, "_tf_docs_inheritable_header", None)
