"""The REST API: everything that the dashboard can do, for programs. One short file per subject."""
