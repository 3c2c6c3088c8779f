"""The tables of this room: what learners gathered, and what they share of it."""

from apps.wallet.models.items import Receipt, WalletItem, WalletItemQuerySet

__all__ = ["Receipt", "WalletItem", "WalletItemQuerySet"]
