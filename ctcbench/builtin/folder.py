"""The ``folder`` data set: pictures in a folder, labelled by lists, by files beside them or by names."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ctcbench.builtin.labelling.file_entry import FileEntry
from ctcbench.builtin.labelling.folder_entries import read_folder
from ctcbench.builtin.labelling.label_sources import LabelFrom, LabelOptions
from ctcbench.builtin.picture_sets.picture_options import PictureOptions, with_picture_options
from ctcbench.builtin.picture_sets.picture_set import PictureSet, build_picture_set
from ctcbench.builtin.picture_sets.shared_set import open_shared_set
from ctcbench.contract.components import dataset
from ctcbench.contract.errors import UsageError
from ctcbench.files.paths import expand_home


@dataset(reopen=open_shared_set)
@with_picture_options
def folder(
    *,
    path: Annotated[str, Field(min_length=1, description="the folder; its sub-folders are read too")],
    label: Annotated[
        LabelFrom,
        Field(
            description="auto: a list (labels.csv, .tsv, .txt, .json or gt.txt), else NAME.gt.txt, else "
            "stem; file: the list; sidecar: NAME.gt.txt or NAME.txt beside each picture; stem: the file name"
        ),
    ] = "auto",
    list: Annotated[
        str, Field(description="file with the labels, relative to path or to the current folder")
    ] = "",
    pattern: Annotated[
        str,
        Field(description="regular expression for the stem; its group, or the one named label, is the text"),
    ] = "",
    pictures: PictureOptions,
) -> PictureSet[FileEntry]:
    """Pictures in a folder, with train/, val/ and test/ inside of it or split by shares.

    Labels come from one kind of source for all splits: lists in the folder or in the folders of splits
    (`read_list` describes their format), texts ``NAME.gt.txt`` beside the pictures, or the stems of the file
    names: the whole stem, the part of it before the last ``-`` or ``_`` (``before-dash``,
    ``before-underscore``), or the match of `pattern` in it. Stems are labels only where no file looks like a
    list. Pictures that no list names and other files that are not used are named in a notice; hidden files
    and folders are ignored.

    Raises:
        UsageError: an option or the folder can't be used, or it is not clear what the labels are.
    """
    root = expand_home(path, "dataset folder: path=")
    try:
        found = read_folder(root, LabelOptions(label, pattern, list), pictures.group)
    except OSError as error:  # a name that is too long, a folder that can't be searched or disappears
        raise UsageError(f"{error.filename or root}: can't be read ({error.strerror})") from None
    return build_picture_set(pictures, found)
