"use strict";
/* Draws the API's description with Swagger UI, from this portal alone. */
addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("description");
  SwaggerUIBundle({ url: place.dataset.address, domNode: place, validatorUrl: null, deepLinking: true });
});
