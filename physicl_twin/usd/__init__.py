"""The only place that writes a twin's USD, and reads it back."""
