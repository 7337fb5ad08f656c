"""Sending and following parcels."""


def send(address: str, weight: float, *, express: bool = False, note: str | None = None) -> str:
    """Send a parcel to an address. Use :func:`track_parcel` to follow it, e.g. every hour.

    .. versionchanged:: 2.0
        The ``note`` is printed on the label.

    :param address: Street, number and city in one line.
    :param weight: Weight in kilograms, at most 30.
    :param express: Deliver on the next working day.
    :return: The number of the parcel.

    >>> import parcel
    >>> number = parcel.send("Main Street 1, Springfield", 2.5)
    """
    return address


def track_parcel(number: str) -> list[str]:
    """Return the stations that a parcel has passed."""
    return [number]


def weigh(path):
    """..."""
