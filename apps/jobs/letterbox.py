"""Where no mail server is set: each letter becomes a file of its own in the data folder, whole or not at all.

Several worker processes write at once. Django's own backend for files appends to one whose name may be the same in
two of them, and mixes their letters.
"""

import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone


class LetterBox(BaseEmailBackend):
    """Writes to `EMAIL_FILE_PATH`, in the order of the time of sending, as `.eml` files that a mail program opens."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Gives how many were written; raises OSError when the folder cannot be written to."""
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            letter = folder / f"{timezone.now():%Y%m%d-%H%M%S-%f}-{uuid.uuid4()}.eml"
            unfinished = letter.with_suffix(".part")
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(message.message().as_bytes())
            unfinished.rename(letter)
        return len(email_messages)
