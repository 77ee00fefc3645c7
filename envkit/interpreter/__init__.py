"""Find interpreters and ask them about themselves."""
