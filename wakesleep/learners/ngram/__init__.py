"""Counting: predictions from how often symbols follow one another, the plainest baseline."""
