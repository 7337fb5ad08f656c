"""The generator `langchain`: samples that a chat model writes about the sources, checked before they are kept."""
