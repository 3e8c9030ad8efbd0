"""What the gateway does, one module a function, in the order of a message's way:

accept (send), submit, receive (receipt), deliver and check (dlr), sweep.
"""
