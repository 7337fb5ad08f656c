"""The exporter `gguf`: one file for llama.cpp and what stands on it, made by llama.cpp's own converter."""
