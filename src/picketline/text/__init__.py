"""What text is: plain fields, model letters, Markdown, languages, letters that survive mail."""
