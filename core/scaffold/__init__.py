"""What `docutune init` does: find what a folder holds, suggest a pipeline for it, write it down with comments."""
