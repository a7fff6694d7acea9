"""Where cosmic rays get their energy: shock acceleration, the remnant, the grown field and escape."""
