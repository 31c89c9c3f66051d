"""The database schema, in one line of files."""
