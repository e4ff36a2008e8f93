"""The index of the auditor's searches: which entries have a value, so that any conditions together are met at once."""
