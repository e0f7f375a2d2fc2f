"""From what a file says to what an object physically is."""
