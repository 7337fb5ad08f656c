"""Parcel sends packages to depots and follows them on their way."""

from parcel.depot import Depot, Locker
from parcel.errors import ParcelError
from parcel.shipping import send, track_parcel, weigh

__all__ = ["Depot", "Locker", "ParcelError", "send", "track_parcel", "weigh"]
