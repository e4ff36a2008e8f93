"""The command ``shuniu``: each file here is one of its commands."""
