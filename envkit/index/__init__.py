"""Package indexes: pages, metadata and files of projects."""
