"""The portal's pages. Every part is listed once in ``ALL``; order does not matter."""

from portal.pages import catalogue, compile, desk, health, preferences, reviews, sign_in
from portal.pages.frame import Pages

ALL: tuple[Pages, ...] = (
    sign_in.PAGES,
    catalogue.PAGES,
    compile.PAGES,
    desk.PAGES,
    health.PAGES,
    preferences.PAGES,
    reviews.PAGES,
)
