"""Certification of channels: their certificates, what their live traffic says of them, and how far onboarding is."""
