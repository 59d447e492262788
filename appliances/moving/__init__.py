"""Moving in and carrying away: boxes from another registry become releases, and the catalog becomes a folder of files."""
