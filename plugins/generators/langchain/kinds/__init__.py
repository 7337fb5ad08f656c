"""The kinds of samples that are asked for, one file each."""
