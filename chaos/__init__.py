"""What a post office must survive."""
