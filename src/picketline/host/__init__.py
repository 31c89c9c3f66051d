"""What runs Picketline on a machine: processes, the embedded database, WSGI wrappers."""
