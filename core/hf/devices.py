"""Several devices for one training: how many there are, and how their processes find each other."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Literal

from docutune.errors import DocutuneError

_PATIENCE = timedelta(hours=1)  # for what one rank does alone; a rank that dies is noticed otherwise, and at once


def number(asked: int | Literal["all"]) -> int:
    """How many devices to train on: GPUs, or where there is none processes on the CPU, which is for tests.

    DocutuneError when fewer are there than were asked for. `all` is every visible GPU, and one CPU.
    """
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "all":
        return max(gpus, 1)
    there = gpus or len(os.sched_getaffinity(0))
    if asked > there:
        kind = "GPU" if gpus else "CPU core"
        hint = "lower devices, or write devices: all" + (" (CUDA_VISIBLE_DEVICES hides others)" if _hidden() else "")
        raise DocutuneError(f"devices: {asked}, but there {_counted(there, kind)}", hint)
    return asked


def without_gpu(asked: int | Literal["all"]) -> str | None:
    """What to tell a user who asked for several devices of a machine that has no GPU; None where it has one."""
    import torch

    if torch.cuda.is_available():
        return None
    found = "devices: all is the CPU alone" if asked == "all" else f"{asked} processes share the CPU's cores"
    return f"no GPU here: {found}"


def join(rank: int, count: int, meeting: Path) -> None:
    """Make this process that rank of `count`; returns when all of them are there.

    They meet in a file, so nothing listens for strangers; what they send goes over NCCL or the loopback interface.
    accelerate takes up the process group and the variables, as if its launcher had set them.
    """
    import torch
    from accelerate.utils.environment import check_cuda_p2p_ib_support

    ranks = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    os.environ |= {name: str(value) for name, value in ranks.items()}
    for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        os.environ.setdefault(name, "lo")
    if not check_cuda_p2p_ib_support():  # GPUs whose drivers cannot talk to each other directly
        os.environ |= {"NCCL_P2P_DISABLE": "1", "NCCL_IB_DISABLE": "1"}
    backend = "gloo"
    if torch.cuda.is_available():
        backend = "cuda:nccl,cpu:gloo"
        torch.cuda.set_device(rank)
    torch.distributed.init_process_group(
        backend, init_method=f"file://{meeting}", rank=rank, world_size=count, timeout=_PATIENCE
    )


def _hidden() -> bool:
    return "CUDA_VISIBLE_DEVICES" in os.environ


def _counted(count: int, kind: str) -> str:
    return f"is 1 {kind}" if count == 1 else f"are {count} {kind}s"
