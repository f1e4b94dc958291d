"""Tests of ctcbench; a package, so that tests import helpers as `tests.folder.module`."""
