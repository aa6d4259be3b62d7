"""Simulation: trade that is played by the real commands, so that everything moves as it would in earnest.

A play has many lives at once: an order's from its cart to the door and back, a shelf's from delivery to count. A step
of a life is one command in one transaction, chosen by a seeded chance, so the same seed over the same data plays the
same trade. Buyers, carriers and scans that are made up say so.
"""
