"""Locations: the places where goods are, as a tree from a warehouse down to its bins.

It owns locations. A site (a warehouse, a store, a supplier's place) may stand alone or inside another site; zones,
aisles and bins always lie inside something. A location's code is unique for ever and its path, made of the codes from
the root down, is never changed, so that whatever lies below a place is found by one prefix. Its time zone is one that
IANA names, for business dates are told in it.
"""
