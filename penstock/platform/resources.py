"""`tf.resource_loader`: data files that lie beside a program's source."""

import os
import sys

from penstock.base.export import export


def _folder_of_caller():
    return os.path.dirname(os.path.abspath(sys._getframe(2).f_code.co_filename))


@export(v1=("resource_loader.get_data_files_path",))
def get_data_files_path():
    """The folder of the file that calls this."""
    return _folder_of_caller()


@export(v1=("resource_loader.get_root_dir_with_all_resources",))
def get_root_dir_with_all_resources():
    """The folder that holds all data files: that of the file that calls this."""
    return _folder_of_caller()


@export(v1=("resource_loader.get_path_to_datafile",))
def get_path_to_datafile(path):
    """The path of a data file given relative to the file that calls this."""
    return os.path.join(_folder_of_caller(), path)


@export(v1=("resource_loader.readahead_file_path",))
def readahead_file_path(path, readahead="128M"):
    """The path itself: reading ahead is the operating system's business."""
    return path


@export(v1=("resource_loader.load_resource",))
def load_resource(path):
    """The bytes of a data file given relative to the file that calls this."""
    full = os.path.join(_folder_of_caller(), path)
    if not os.path.exists(full):
        raise OSError(f"{full} not found")
    with open(full, "rb") as file:
        return file.read()
