"""In-memory indexes and supplies, a fake transport and a wheel maker, for tests without a network."""
