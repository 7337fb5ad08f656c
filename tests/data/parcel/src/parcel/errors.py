"""What can go wrong."""


class ParcelError(RuntimeError):
    """A parcel could not be sent. See :class:`Depot`."""
