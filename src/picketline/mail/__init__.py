"""What e-mail is: addresses, messages, SMTP. Pure: knows no model and no campaign."""
