"""The mail front: mails from a mailbox, or from ``.eml`` files in a folder, become input."""
