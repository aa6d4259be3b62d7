"""Orders: what customers asked for, from the cart to the door, and what we promised about it.

An order begins as a CART and is PLACED or ABANDONED; a placed order is PARTIALLY_ALLOCATED and ALLOCATED to locations,
PARTIALLY_SHIPPED, SHIPPED and DELIVERED, or CANCELLED before anything left. Always true: a line never allocates, ships
and cancels more than was ordered nor returns more than was shipped, and an order's total is its subtotal, shipping and
tax.
"""
