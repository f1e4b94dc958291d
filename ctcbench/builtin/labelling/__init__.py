"""Labels of the pictures in a folder: lists and how they are read, other sources, splits, unused files."""
