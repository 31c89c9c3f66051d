"""Management commands: thin, every one a sentence to the layers below."""
