"""Unpacked wheels and builds."""
