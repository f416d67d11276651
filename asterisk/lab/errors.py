"""What can go wrong in the laboratory, as one kind of error whose text names the mend."""


class LabError(Exception):
    """The laboratory cannot do what was asked; the message says why and what to do about it."""
