"""From YAML text to a checked tree with the place of each value.

In: files of the user, or shipped ones. Out: documents, specs (frozen pydantic models) and errors
of one line with file, line and column. ``protocols`` and ``learners`` define protocols and models.
Must not import any package but ``errors``.
"""
