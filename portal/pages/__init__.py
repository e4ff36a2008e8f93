"""The portal's pages. Every part is listed once in ``ALL``; order does not matter."""

from portal.pages import catalogue, desk, preferences, sign_in
from portal.pages.frame import Pages

ALL: tuple[Pages, ...] = (
    sign_in.PAGES,
    catalogue.PAGES,
    desk.PAGES,
    preferences.PAGES,
)
