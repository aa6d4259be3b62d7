"""Parties: the people and companies we deal with, each with one address of its own.

It owns customers, suppliers and carriers. Each has a natural key that is unique for ever (a number or a code), and an
order or shipment that names a party keeps its own copy of the address, so changing a party never rewrites history.
"""
