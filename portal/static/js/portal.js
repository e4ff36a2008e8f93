"use strict";
/* Small conveniences; every page can be read and used without them. */

/* Ask before a form marked with data-confirm is sent. */
document.addEventListener("submit", (event) => {
  const question = event.target.dataset ? event.target.dataset.confirm : "";
  if (question && !window.confirm(question)) event.preventDefault();
});

/* Send a form once: a second click while it is on its way does nothing. */
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  event.target.dataset.sent = "1";
  setTimeout(() => { delete event.target.dataset.sent; }, 5000);
});

/* Close the open menu when something else is clicked or Escape is pressed. */
const closeMenus = (except) => document.querySelectorAll("details.hub-menu[open]").forEach((menu) => {
  if (!menu.contains(except)) menu.open = false;
});
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenus(null); });

/* A button marked with data-print prints the page. */
document.addEventListener("click", (event) => {
  if (event.target.closest && event.target.closest("[data-print]")) window.print();
});

/* A box marked with data-all="name" ticks all boxes of that name in its form. */
document.addEventListener("change", (event) => {
  const name = event.target.dataset ? event.target.dataset.all : "";
  if (!name || !event.target.form) return;
  event.target.form.querySelectorAll(`input[type=checkbox][name="${CSS.escape(name)}"]`)
    .forEach((box) => { box.checked = event.target.checked; });
});
