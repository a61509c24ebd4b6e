"""Settings page and dialogs; they compute nothing."""
