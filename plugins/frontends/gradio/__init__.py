"""The frontend `gradio`: a page in a browser."""
