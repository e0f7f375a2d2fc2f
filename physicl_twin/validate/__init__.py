"""Checks, rollouts and the certificate."""
