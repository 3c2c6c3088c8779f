"""The tables of this room: what learners gathered, and what they share of it."""

from apps.wallet.models.items import Receipt, WalletItem, WalletItemQuerySet
from apps.wallet.models.shares import DataExport, Share, ShareItem, ShareView

__all__ = ["DataExport", "Receipt", "Share", "ShareItem", "ShareView", "WalletItem", "WalletItemQuerySet"]
