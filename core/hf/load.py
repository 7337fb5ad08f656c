"""Models into memory: the base in 4 or 8 bits or as it is, the adapter on top, in the device's own number format."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from docutune.errors import DocutuneError
from docutune.hf.damage import naming_damage

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Quantization = Literal["nf4", "int8", "none"]


@dataclass(frozen=True, slots=True)
class Device:
    """Where a model runs and in which numbers it computes."""

    name: str
    dtype: torch.dtype


def device() -> Device:
    """The GPU of this process in bfloat16 (float16 where it knows none), or the CPU in float32."""
    import torch

    if not torch.cuda.is_available():
        return Device("cpu", torch.float32)
    name = f"cuda:{torch.cuda.current_device()}"
    return Device(name, torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16)


def device_for_replies() -> Device:
    """The device, set up for lengths that grow by one token at a time.

    Where torch prefers cuDNN's attention (data-centre GPUs since Hopper), that is planned anew at every length that it
    has not met, which takes longer than the rest of the token. The other kernels take any length.
    """
    import torch

    torch.backends.cuda.enable_cudnn_sdp(False)
    return device()


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder, with a padding token."""
    from transformers import AutoTokenizer

    try:
        with naming_damage(folder):
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except (OSError, ValueError) as error:
        raise DocutuneError(f"{folder}: no usable tokenizer: {_cause(error)}") from None
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_base(folder: Path, quantization: Quantization, where: Device) -> PreTrainedModel:
    """The base model; its linear layers but the head are held as `quantization` says.

    "nf4" is NF4, doubly quantized (QLoRA, arXiv:2305.14314); "int8" is LLM.int8 (arXiv:2208.07339).
    """
    from transformers import AutoModelForCausalLM

    options = {} if quantization == "none" else {"quantization_config": _quantized(quantization, where)}
    try:
        with naming_damage(folder):
            model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=where.dtype,
                device_map={"": where.name},
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                **options,
            )
    except (OSError, ValueError) as error:
        raise DocutuneError(f"{folder}: the model cannot be loaded: {_cause(error)}") from None
    _keep_exact(model)
    return model


def _keep_exact(model: Any) -> None:
    """Keep 4-bit weights as they are, whatever the model is asked: what is trained is what is validated and served.

    On a CPU with AVX512-BF16, bitsandbytes repacks them for good the first time that they are used without gradients,
    with scales rounded to bfloat16: after its first validation a training would go on with other weights.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def load_adapter(base: PreTrainedModel, adapter: Path) -> Any:
    """The base with a trained PEFT adapter on top; see switch_adapter."""
    from peft import PeftModel

    if not (adapter / "adapter_model.safetensors").is_file():  # peft would take a pickle, or ask the hub
        raise DocutuneError(f"{adapter}: no adapter_model.safetensors", "train the model again")
    try:
        with naming_damage(adapter, hint="train the model again"):
            loaded = PeftModel.from_pretrained(base, str(adapter), is_trainable=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise DocutuneError(f"{adapter}: the adapter does not fit its base: {_first_line(error)}") from None
    kind = loaded.active_peft_config
    if kind.is_prompt_learning or kind.is_adaption_prompt:
        raise DocutuneError(f"{adapter}: an adapter that adds to the prompt, not to the weights", "LoRA can be used")
    return loaded


def switch_adapter(model: Any, on: bool) -> None:
    """Have a model with an adapter answer as tuned, or as its base.

    It goes through all layers, which takes milliseconds, and so is done only where the adapter stands otherwise;
    peft's `disable_adapter()` switches back each time, and takes twice as long for it.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    layer = next(module for module in model.modules() if isinstance(module, BaseTunerLayer))
    if layer.disable_adapters == on:
        tuner = model.base_model
        tuner.enable_adapter_layers() if on else tuner.disable_adapter_layers()


def free_memory() -> None:
    """Give memory of dropped models back, the GPU's cache too."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _quantized(quantization: Literal["nf4", "int8"], where: Device) -> Any:
    from transformers import BitsAndBytesConfig

    make: Any = BitsAndBytesConfig
    if quantization == "int8":
        return make(load_in_8bit=True)
    return make(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=where.dtype,
    )


def _cause(error: BaseException) -> str:
    """The libraries' first line; never their advice to let a model run code of its own."""
    needs_code = "trust_remote_code" in str(error)
    return "it needs code of its own, which is never run" if needs_code else _first_line(error)


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
