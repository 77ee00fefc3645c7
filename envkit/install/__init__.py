"""Plan and apply changes to an environment. Needs a supply of verified wheels, and no other layer."""
