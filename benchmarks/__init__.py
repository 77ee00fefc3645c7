"""Workloads, a recorded index that any client can use, and a runner that times envkit and its peers side by side."""
