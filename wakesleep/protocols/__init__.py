"""What a protocol file says, and the flat timetable it comes to.

In: a document from ``files`` and values for its inputs. Out: a checked protocol, and a list of
phases with their lengths. What it needs of a model are capabilities, by name. Must not import a
learner, torch, ``simulation`` or ``plots``.
"""
