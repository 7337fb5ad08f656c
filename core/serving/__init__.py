"""A loaded model behind an HTTP server that speaks OpenAI's chat completions; starlette and uvicorn, only when used."""
