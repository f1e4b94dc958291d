"""What a drawing subprocess runs: one JSON order on standard input, JSON lines on standard output.

Started as ``python -m ctcbench.data.drawing_worker``, so that it never imports the user's script and never
inherits a fork of torch's threads. It ends when standard input does: when its parent is gone.
"""

from __future__ import annotations

import json
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError
from ctcbench.processes.worker_side import end_with_parent, own_standard_output


def main() -> int:
    """Carry out the order; errors go to the parent as ``{"error": …, "kind": …}``."""
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=end_with_parent, daemon=True).start()
    channel = own_standard_output()

    def tell(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message).encode() + b"\n")
        channel.flush()

    try:
        _carry_out(order, tell)
    except BrokenPipeError:
        return 1
    except OSError as error:
        tell({"error": error.strerror or str(error), "kind": "system", "errno": error.errno})
    except CtcbenchError as error:
        traceback.print_exc()
        kinds = {UsageError: "usage", PluginError: "plugin"}
        kind = next((word for known, word in kinds.items() if isinstance(error, known)), "other")
        tell({"error": str(error), "kind": kind})
    else:
        return 0
    return 1


def _carry_out(order: dict[str, Any], tell: Any) -> None:
    from ctcbench.data.built_dataset import build_source
    from ctcbench.data.draw_range import draw_range
    from ctcbench.registry.discovery import load_registry

    source = build_source(load_registry(), order["dataset"])
    split, spec = order["split"], source.image
    if source.fingerprint(split) != order["fingerprint"]:
        raise UsageError(
            f"dataset {order['dataset']}: the fingerprint of {split} is another in another process; if its "
            f"files changed try again, else let it hang on its options alone: no time, id() or hash()"
        )
    if [spec.channels, spec.height, spec.width] != order["shape"]:
        raise PluginError(f"dataset {order['dataset']} has another image size in another process")
    draw_range(
        source,
        split,
        order["start"],
        order["stop"],
        Path(order["file"]),
        order["offset"],
        lambda drawn, bad: tell({"drawn": drawn, "bad": bad}),
    )


if __name__ == "__main__":
    sys.exit(main())
