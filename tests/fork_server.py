"""A fork server that imports torch once, for tests that need processes of their own."""

import multiprocessing

SERVER = multiprocessing.get_context("forkserver")
# torch._dynamo is what torch imports at the first step of an optimizer.
SERVER.set_forkserver_preload(
    ["torch._dynamo", "torch.distributed.run", "ctcbench.training.loop", "ctcbench.builtin", "captcha.image"]
)
