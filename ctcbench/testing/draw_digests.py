"""What the kit runs in another process: draws samples of a data set that came by a pipe.

Started as ``python -m ctcbench.testing.draw_digests`` by the rule that needs it, with an order (a line of
JSON) and the pickled source on standard input; it answers with the samples' digests.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
from typing import Any

import numpy as np

from ctcbench.contract.errors import BadSample
from ctcbench.processes.worker_side import own_standard_output


def digest(source: Any, split: str, index: int) -> str:
    """Return a digest of a sample's text and pixels, or the reason why it can't be used."""
    try:
        sample = source.draw(split, index)
    except BadSample as error:
        return f"bad {split}/{index}: {error}"
    image = np.ascontiguousarray(sample.image)
    described = f"{sample.text} {sample.width} {image.shape} {image.dtype} ".encode()
    return hashlib.sha256(described + image.tobytes()).hexdigest()


def main() -> None:
    """Draw what the order says."""
    channel = own_standard_output()
    order = json.loads(sys.stdin.buffer.readline())
    source = pickle.load(sys.stdin.buffer)  # from the parent process, never from a file
    digests = [digest(source, order["split"], index) for index in order["indices"]]
    channel.write(json.dumps(digests).encode())
    channel.flush()


if __name__ == "__main__":
    main()
