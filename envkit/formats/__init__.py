"""Read and write the files in which requirements and locks are kept, as values."""
