import os

import pytest

from tests import forked_python


@pytest.mark.parametrize("threads", ["", "1", "1,2", "many"])
def test_variables_of_any_value_are_taken_as_a_new_interpreter_takes_them(threads, tmp_path):
    (tmp_path / "printing.py").write_text("import torch; print('\u00e9', torch.get_num_threads() >= 1)\n")
    environment = os.environ | {"OMP_NUM_THREADS": threads, "PYTHONIOENCODING": ""}
    environment["PYTHONPATH"] = str(tmp_path)
    done = forked_python.run("printing", env=environment)
    assert (done.returncode, done.stdout) == (0, "é True\n"), done.stderr
