"""The tables of this room: what learners gathered, and what they share of it."""

from apps.wallet.models.addresses import OwnAddress
from apps.wallet.models.entries import WalletEntry, WalletEntryQuerySet, WalletSkill
from apps.wallet.models.items import Receipt, WalletItem, WalletItemQuerySet
from apps.wallet.models.shares import DataExport, Share, ShareItem, ShareView

__all__ = [
    "DataExport",
    "OwnAddress",
    "Receipt",
    "Share",
    "ShareItem",
    "ShareView",
    "WalletEntry",
    "WalletEntryQuerySet",
    "WalletItem",
    "WalletItemQuerySet",
    "WalletSkill",
]
