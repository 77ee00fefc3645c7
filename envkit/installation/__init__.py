"""Install and remove distributions: planned as data, checked before anything is written, applied as one transaction."""
