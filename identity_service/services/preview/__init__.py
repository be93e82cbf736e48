"""What a policy or an identifier would change."""
