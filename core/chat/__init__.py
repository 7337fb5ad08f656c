"""What core lends to plugins that talk to a chat model: kept replies, a hard budget, retries, a scan for secrets.

LangChain is imported when the first request is made, never with these modules.
"""
