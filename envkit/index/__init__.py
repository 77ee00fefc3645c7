"""Read package indexes."""
