"""Say what an environment holds."""
