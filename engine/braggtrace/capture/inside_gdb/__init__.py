"""What runs inside gdb, with the Python that gdb was built with.

That Python may be as old as 3.6 and has none of our dependencies, so these modules import nothing but the standard
library and each other, and quote what an old Python could not evaluate. They write records that
`braggtrace.capture.gdbrun` reads.
"""
