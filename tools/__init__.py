"""What keeps generated files current: the catalogue of words, the page of settings."""
