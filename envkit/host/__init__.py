"""The only place with effects: files, links, processes, workers, locks."""
