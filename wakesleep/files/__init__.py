"""From YAML text to a checked tree that knows where each value stands.

In: files of the user, or shipped ones. Out: documents, specs (frozen pydantic models) and errors
of one line with file, line and column. What a protocol or a model is, is said by ``protocols`` and
``learners``. Must not import any package but ``errors``.
"""
