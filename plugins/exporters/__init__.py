"""Exporters: a merged model in another tool's form."""
