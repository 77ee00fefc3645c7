"""Change a tree of files all at once or not at all."""
