"""What may come in: checks of outside input, one module for each noun."""
