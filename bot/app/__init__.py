"""The app: ties the rooms together. `wiring` makes it; the other files are what it can do."""
