"""Moving in and carrying away: another registry's boxes become releases, and the catalog becomes a folder of files."""
