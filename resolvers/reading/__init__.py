"""Reading: one selection becomes one SQL statement whose JSON goes to the client untouched.

`plan` turns a selection into frozen data, `cost` bounds it, `sql` prints it, `cache` remembers it, `run` sends it.
"""
