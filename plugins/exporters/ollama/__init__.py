"""The exporter `ollama`: merged weights and the Modelfile that makes them a model of Ollama."""
