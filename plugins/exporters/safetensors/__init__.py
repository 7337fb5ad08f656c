"""The exporter `safetensors`: the merged model as transformers, vLLM and others load it."""
