"""Parts that several families of learners share.

Connections, receptive fields, plasticity and the softmax read-out. Must not import a family.
"""
