"""A private folder of versioned buckets, safe for many processes at once."""
