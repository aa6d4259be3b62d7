"""Gateways: what calls the outside, and lets nothing of ours be called by the way."""
