"""`docutune chat` and `docutune chats`."""
