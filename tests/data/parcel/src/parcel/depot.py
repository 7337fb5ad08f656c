"""Depots and lockers."""


class Depot:
    """A place where parcels wait for their next ride.

    :param city: The city that the depot stands in.
    :param slots: Number of parcels that fit in. See :ref:`capacity`.
    """

    #: Number of parcels that are inside at the moment.
    load: int = 0

    def __init__(self, city: str, slots: int = 40) -> None:
        self.city = city
        self.slots = slots

    def accept(self, parcel: str, *, force: bool = False) -> bool:
        """Accepts a parcel unless the depot is full.

        :param parcel: The number of the parcel, as printed on its label.
        :param force: Take it in even if there is no slot left.
        :returns: ``True`` if the parcel was taken in.
        """
        return force or bool(parcel)

    def close(self) -> None:
        """Close the depot for the night."""


class Locker(Depot):
    """A depot without staff, opened with a code."""

    def open_door(self, code: str) -> int:
        """Opens the door whose code was entered and returns its number."""
        return len(code)


class Hook(dict):
    """A mapping with attributes of its own."""

    def refresh(self) -> None:
        """Reads every attribute anew from the depot."""
