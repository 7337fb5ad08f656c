"""What a page needs beside the commands: the pipeline file changed in place, forms, previews, the run at work."""
