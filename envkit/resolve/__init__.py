"""Resolving: from requirements to one version for each project, with the reasons."""
