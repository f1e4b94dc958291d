"""Runs whose first weights are those of another run, for images with other channels."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import UsageError
from ctcbench.pipeline import runner
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener
from tests.tiny_config import tiny


def test_images_may_be_in_colour_or_grey(registry, tmp_path, finished):
    """Grey to colour and back: the weights of the first convolution are shared out, then summed."""
    colour = "captcha:width=60,height=24,length=2,alphabet=digits,channels=3"
    listener, run_folder = Listener(), finished.folder
    said = ["grey images there, in colour here: first filters are divided among the colours",
            "images in colour there, grey here: first filters are summed over the colours"]  # fmt: skip
    for settings, sentence in (({"dataset": colour}, said[0]), ({}, said[1])):
        config = tiny(init_from=str(run_folder), lr=1e-9, epochs=1, **settings)
        result = runner.run(resolve(registry, config), Runtime(tmp_path, listener=listener))
        assert f"--init-from {run_folder}: {sentence}" in listener.notices
        run_folder = result.folder
    theirs, ours = (load_file(RunFolder(path).weights_path) for path in (finished.folder, run_folder))
    name = next(name for name in theirs if name.startswith("backbone.") and theirs[name].ndim == 4)
    np.testing.assert_allclose(ours[name], theirs[name], atol=1e-6)
    with pytest.raises(UsageError, match=r"and images of as many channels \(images: 1×24×60 there, 3×24"):
        columns = {"backbone": "columns:stride=4", "max_steps": 1}
        first = runner.run(resolve(registry, tiny(**columns)), Runtime(tmp_path))
        runner.run(
            resolve(registry, tiny(dataset=colour, init_from=str(first.folder), **columns)), Runtime(tmp_path)
        )
