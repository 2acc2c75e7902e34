"""Protocol files, and the flat timetable of a protocol.

In: a document from ``files`` and values for its inputs. Out: a checked protocol, and a list of
phases with their lengths. A protocol states the capabilities it needs of a model, by name. Must
not import a learner, torch, ``simulation`` or ``plots``.
"""
