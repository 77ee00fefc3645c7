"""Resolve requirements to pins. Needs a source of candidates, and no other layer."""
