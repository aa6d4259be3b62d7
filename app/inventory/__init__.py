"""Stock: what we hold of each product at each location, who it is promised to, and every movement that made it so.

A stock level counts the pieces of one product at one location: on hand, held for carts and orders, and incoming. A hold
is ACTIVE until it is CONSUMED by shipping, RELEASED by whoever asked for it, or EXPIRED by time. Always true: stock is
never negative, holds never exceed what is on hand, what is held equals the sum of the active holds, and what is on hand
equals the movements into a location less the movements out of it.
"""
