"""The business of Lading: every domain of the supply chain, and the process that serves it."""
