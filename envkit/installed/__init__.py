"""What is installed in a folder: metadata and RECORDs as values."""
