"""Stands in for llama.cpp's converter, which no package index has: writes a Qwen3 model's weights as GGUF."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import gguf
from safetensors.torch import load_file

NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "model.layers": "blk",
}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--outtype", required=True)
    parser.add_argument("--outfile", required=True)
    parser.add_argument("model", type=Path)
    given = parser.parse_args()
    config = json.loads((given.model / "config.json").read_text())
    if config["architectures"] != ["Qwen3ForCausalLM"] or given.outtype != "f32":
        print(f"cannot convert {config['architectures']} to {given.outtype}", file=sys.stderr)
        return 3
    writer = gguf.GGUFWriter(given.outfile, "qwen3")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    for name, weights in load_file(given.model / "model.safetensors").items():
        for theirs, ours in NAMES.items():
            name = name.replace(theirs, ours)
        writer.add_tensor(name, weights.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return 0


sys.exit(main())
