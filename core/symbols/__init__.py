"""Links what parsers found, file by file, into one symbol table."""

from docutune.symbols.table import SymbolTable, api_json, link

__all__ = ["SymbolTable", "api_json", "link"]
