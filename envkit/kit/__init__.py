"""The layers wired together."""
