"""Joints from two or more states of the same thing: its files with parts in other places."""
