"""Joints from how things were seen to move: tracked poses, fitted by each kind of motion."""
