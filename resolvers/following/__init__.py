"""Following: an event of the log, woken by a message, becomes one read per cohort and the same bytes to each follower.

`tail` keeps one process at the end of the log; `routes` finds who follows an event by its keys; `payloads` reads what
its followers selected, once for all that would read the same; `followers` buffers each; `run` starts and resumes them.
"""
