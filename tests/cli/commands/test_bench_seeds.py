"""The table of `ctcbench bench seeds`."""

from __future__ import annotations

import io

from rich.console import Console

from ctcbench.cli.commands.bench_seeds import _table


def test_executors_are_broken_between_options_in_80_columns():
    names = ("alone_seconds", "seconds", "lowest", "highest", "of_one_seed", "gain", "training_of_one_seed")
    figure = dict(zip(names, (1012.34, 2834.56, 2790.1, 2901.2, 2.8, 1.43, 2.75), strict=True))
    console = Console(file=io.StringIO(), width=80)
    console.print(_table({"local:workers=1": figure, "local:workers=1,together=4": figure}, 4, 3))
    *_, first, second, rest = (line.split() for line in console.file.getvalue().splitlines())
    figures = ["1012.3", "2834.6", "2790.1", "–", "2901.2", "2.80", "1.43", "×", "2.75"]
    assert (first, second) == (["local:workers=1", *figures], ["local:workers=1,", *figures])
    assert rest == ["together=4"]
